import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { readDeadLetter, TaskManager, type TaskOptions } from '@brokkr/core';
import { firstMessages } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import pino from 'pino';
import { afterEach, expect, it } from 'vitest';

const managers: TaskManager[] = [];
afterEach(() => Promise.all(managers.splice(0).map((manager) => manager.close())));

interface User {
  readonly id: string;
  readonly lang: string;
}

const THIRD = {
  version: 3,
  upcast: { 1: ([id]: readonly unknown[]) => [{ id }], 2: ([user]: readonly object[]) => [{ ...user, lang: 'en' }] },
} as const;

/** Several versions of one application, on one broker in virtual time. */
function system() {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const lines: { readonly msg: string }[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const deployed = (options: Omit<TaskOptions, 'schema'>, handler: (...args: never[]) => unknown = () => undefined) => {
    const tm = TaskManager.getInstance(`versions-${randomUUID()}`).configure({ broker, clock, logger });
    managers.push(tm);
    return { tm, task: tm.task({ name: 'welcome', ...options }, handler) };
  };
  return { clock, broker, lines, deployed };
}

it('messages of both versions run through a rolling deploy of nine minutes, and none is a dead letter', async () => {
  const { clock, broker, deployed } = system();
  const seen: unknown[] = [];
  const old = deployed({}, (id: string) => void seen.push(id));
  const now = deployed(THIRD, (user: User) => void seen.push(user));
  await old.tm.createWorker().start();
  await now.task.send({ id: 'new', lang: 'de' } as never);
  await old.task.send('old' as never);
  await clock.advance(9 * 60_000);
  expect(seen).toEqual(['old']);
  expect(await broker.inspector.counts('default')).toMatchObject({ dead: 0, delayed: 1 });
  await now.tm.createWorker().start();
  await old.task.send('older' as never);
  for (let step = 0; step < 60; step++) await clock.advance(1_000);
  expect(seen).toContainEqual({ id: 'new', lang: 'de' });
  expect(await broker.inspector.counts('default')).toMatchObject({ dead: 0, delayed: 0, acknowledged: 3 });
});

it('a newer message is a dead letter after ten minutes, with version_unknown, and a warning says so before', async () => {
  const { clock, broker, lines, deployed } = system();
  const old = deployed({ version: 2, upcast: { 1: (args) => args } });
  const now = deployed(THIRD);
  await old.tm.createWorker().start();
  for (let index = 0; index < 3; index++) await now.task.send();
  for (let step = 0; step < 25; step++) await clock.advance(30_000);
  const [letter] = await firstMessages(broker.inspector, 'default', 'dead', 1);
  expect(letter && readDeadLetter(letter).reason).toBe(
    'version_unknown: the arguments of welcome have version 3, and no worker of this queue knows more than 2',
  );
  expect(lines.filter(({ msg }) => msg.startsWith('unknown version'))).toMatchObject([
    { task: 'welcome', version: 3, queue: 'default' },
  ]);
});

it('a dead letter keeps its version: redriven after the deploy, it runs', async () => {
  const { clock, broker, deployed } = system();
  const seen: unknown[] = [];
  const old = deployed({});
  const now = deployed(THIRD, (user: User) => void seen.push(user));
  const worker = old.tm.createWorker();
  await worker.start();
  await now.task.send({ id: 'new', lang: 'de' } as never);
  for (let step = 0; step < 25; step++) await clock.advance(30_000);
  await worker.stop();
  expect(await broker.inspector.redrive('default', 'all')).toBe(1);
  await now.tm.createWorker().start();
  await clock.advance(1_000);
  expect(seen).toEqual([{ id: 'new', lang: 'de' }]);
});

it('middleware and schema get the converted arguments', async () => {
  const { clock, broker, deployed } = system();
  const seen: unknown[] = [];
  const tm = TaskManager.getInstance(`versions-${randomUUID()}`).configure({ broker, clock, logLevel: 'silent' });
  managers.push(tm);
  tm.use({
    name: 'watch',
    handle: async ({ message }, next) => {
      seen.push(['middleware', message.args, message.version]);
      return next();
    },
  });
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) => {
        seen.push(['schema', value]);
        return { value };
      },
    },
  } as const;
  tm.task({ name: 'welcome', ...THIRD, schema }, (user: unknown) => void seen.push(['handler', user]));
  await deployed({}).task.send('ada' as never);
  await tm.createWorker().start();
  await clock.advance(1_000);
  const ada = { id: 'ada', lang: 'en' };
  expect(seen).toEqual([
    ['middleware', [ada], 3],
    ['schema', ada],
    ['handler', ada],
  ]);
});

it('a message without versions has no header for them', async () => {
  const { broker, deployed } = system();
  await deployed({}).task.send();
  await deployed({ version: 2, upcast: { 1: (args) => args } }).task.send();
  const [plain, second] = await firstMessages(broker.inspector, 'default', 'ready', 2);
  expect(plain?.headers).not.toHaveProperty('brokkr-pv');
  expect(second?.headers).toHaveProperty('brokkr-pv', '2');
});
