import { randomUUID } from 'node:crypto';
import { TaskManager, type TaskHandle } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MemoryBroker } from '../../src/index.ts';

async function manager(options: Parameters<TaskManager['initialize']>[0]): Promise<TaskManager> {
  return TaskManager.getInstance(`close-${randomUUID()}`).initialize({ logLevel: 'silent', ...options });
}

describe('closing a manager sends what is under way', () => {
  type Sends = (tm: TaskManager) => () => Promise<TaskHandle | readonly TaskHandle[]>;

  it.each<[string, { readonly first: boolean }, Sends]>([
    [
      'the first send, whose broker is not open yet',
      { first: true },
      (tm) => {
        const task = tm.task({ name: 'plain' }, async () => undefined);
        return () => task.send();
      },
    ],
    [
      'a send',
      { first: false },
      (tm) => {
        const task = tm.task({ name: 'plain' }, async () => undefined);
        return () => task.send();
      },
    ],
    [
      'a send whose arguments are validated',
      { first: false },
      (tm) => {
        const task = tm.task({ name: 'checked', schema: z.string().refine(async () => true) }, async () => undefined);
        return () => task.send('a');
      },
    ],
    [
      'a batch',
      { first: false },
      (tm) => {
        const task = tm.task({ name: 'many' }, async () => undefined);
        return () => task.sendMany([[], []]);
      },
    ],
    [
      'a send through middleware',
      { first: false },
      (tm) => {
        tm.use({
          name: 'slow',
          send: async (_, next) => {
            await new Promise((resolve) => setImmediate(resolve));
            return next();
          },
        });
        const task = tm.task({ name: 'wrapped' }, async () => undefined);
        return () => task.send();
      },
    ],
  ])('%s', async (_, { first }, sends) => {
    const tm = await manager({ brokerUrl: 'memory:' });
    const warmUp = tm.task({ name: 'warm-up' }, async () => undefined);
    const send = sends(tm);
    if (!first) await warmUp.send();
    const sent = send();
    await tm.close();
    await expect(sent).resolves.toBeTruthy();
  });

  it('and one that is refused is told to its sender, not to who closes', async () => {
    const tm = await manager({ brokerUrl: 'memory:' });
    const task = tm.task({ name: 'checked', schema: z.string() }, async () => undefined);
    const sent = expect(task.send(5 as never)).rejects.toMatchObject({ code: 'ARGUMENTS_INVALID' });
    await tm.close();
    await sent;
  });
});

describe('closing a manager twice', () => {
  it('waits for the same end', async () => {
    const clock = new ManualClock();
    const tm = await manager({ broker: new MemoryBroker({ clock }), clock });
    const task = tm.task({ name: 'long' }, async () => {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 1_000));
    });
    const worker = tm.createWorker();
    await worker.start();
    await task.send();
    await clock.advance(1);
    const ended: string[] = [];
    const closing = ['first', 'second'].map((name) => tm.close().then(() => ended.push(name)));
    await clock.advance(900);
    expect(ended).toEqual([]);
    await clock.advance(200);
    await Promise.all(closing);
    expect(ended).toHaveLength(2);
    await tm.close();
  });
});

describe('a broker that managers share by name', () => {
  it('outlives the manager that is closed first, twice over, and closes with the last', async () => {
    const brokerUrl = `memory:${randomUUID()}`;
    const [first, second] = [await manager({ brokerUrl }), await manager({ brokerUrl })];
    const task = first.task({ name: 'shared', result: '1h' }, async () => 'run by first');
    const same = second.task({ name: 'shared', result: '1h' }, async () => 'run by second');
    await first.createWorker().start();
    const kept = await first.broker();
    expect(await (await same.send()).result()).toBe('run by first');
    await second.close();
    await second.close();
    expect(await (await task.send()).result()).toBe('run by first');
    await first.close();
    await expect(kept.publish([])).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
  });
});
