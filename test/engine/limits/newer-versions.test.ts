import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { TaskManager } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, expect, it } from 'vitest';

const managers: TaskManager[] = [];
afterEach(() => Promise.all(managers.splice(0).map((manager) => manager.close())));

it('a message of a newer version takes no start of a rate in a worker that cannot run it', async () => {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const ran: string[] = [];
  const open = (version: number) => {
    const tm = TaskManager.getInstance(`newer-versions-${randomUUID()}`);
    managers.push(tm);
    tm.configure({ broker, clock, logLevel: 'silent' });
    const limits = [tm.limit({ name: 'hourly', rate: 1, per: '1h' })];
    const versions = version === 1 ? {} : { version, upcast: { 1: (args: readonly string[]) => args } };
    const task = tm.task({ name: 't', limits, ...versions }, async (name: string) => void ran.push(name));
    return { tm, task };
  };
  const [older, newer] = [open(1), open(2)];
  await newer.task.send('newer');
  await older.task.send('older');
  await older.tm.createWorker().start();
  await clock.advance(1_000);
  expect(ran).toEqual(['older']);
  await newer.tm.createWorker().start();
  for (let minute = 0; minute < 70 && ran.length < 2; minute++) await clock.advance(60_000);
  expect(ran).toEqual(['older', 'newer']);
});
