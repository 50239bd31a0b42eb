import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { type ManagerOptions, TaskManager } from '@brokkr/core';
import type { BrokerCapabilities, BrokerParts } from '@brokkr/core/adapter';
import { afterEach, describe, expect, it, vi } from 'vitest';

const managers: TaskManager[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const manager of managers.splice(0)) await manager.close();
});

interface Lacks {
  readonly capabilities?: Partial<BrokerCapabilities>;
  readonly parts?: readonly (keyof BrokerParts)[];
}

/** A manager on a memory broker that lacks some capabilities and parts. */
function managerOn({ capabilities, parts = [] }: Lacks, options: ManagerOptions = {}): TaskManager {
  const broker = new MemoryBroker();
  Object.defineProperty(broker, 'capabilities', { value: { ...broker.capabilities, ...capabilities } });
  for (const part of parts) Object.defineProperty(broker, part, { value: undefined });
  const tm = TaskManager.getInstance(`requires-${randomUUID()}`);
  managers.push(tm);
  return tm.configure({ broker, logLevel: 'silent', ...options });
}

const LACKING: Lacks = { capabilities: { idempotency: false, counts: 'ready-only' }, parts: ['messages', 'results'] };

describe('features that the broker lacks', () => {
  it('are one error with a line for each, and what to do, when a message is sent', async () => {
    const tm = managerOn(LACKING, { requires: ['idempotency', 'cancel', 'results', 'pause'] });
    const task = tm.task({ name: 'work' }, async () => undefined);
    const error = await task.send().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ConfigError', code: 'FEATURES_MISSING' });
    const [, ...lines] = (error as Error).message.split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^ {2}idempotency .*redis:\/\//),
      expect.stringMatching(/^ {2}cancel .*redis:\/\//),
      expect.stringMatching(/^ {2}results .*set TASK_RESULT_URL to a store/),
    ]);
  });

  it('are the same error at the start of a worker, of tm.broker() and of checkTasks()', async () => {
    const tm = managerOn(LACKING, { requires: ['cancel'] });
    const refused = { code: 'FEATURES_MISSING' };
    await expect(tm.createWorker().start()).rejects.toMatchObject(refused);
    await expect(tm.broker()).rejects.toMatchObject(refused);
    await expect(tm.checkTasks()).rejects.toMatchObject(refused);
  });

  it('are named by TASK_REQUIRES too', async () => {
    vi.stubEnv('TASK_REQUIRES', 'cancel, idempotency');
    await expect(managerOn(LACKING).broker()).rejects.toThrow(/\n {2}cancel .*\n {2}idempotency /s);
  });

  it('are found in the options of every registered task', async () => {
    const tm = managerOn({
      capabilities: { maxDelayMs: 0, timeoutLimit: { ms: 60_000, setting: 'some setting allows' } },
      parts: ['results'],
    });
    tm.task({ name: 'retries', timeout: '1s' }, async () => undefined);
    tm.task({ name: 'slow', timeout: '2m', maxRetries: 0 }, async () => undefined);
    tm.task({ name: 'kept', timeout: '1s', maxRetries: 0, result: '1h' }, async () => undefined);
    const fine = tm.task({ name: 'fine', timeout: '1s', maxRetries: 0 }, async () => undefined);
    const error = await fine.send().catch((reason: unknown) => reason);
    expect((error as Error).message).toMatch(
      /\n {2}task retries .*\n {2}task slow: .*\n {2}task kept .*TASK_RESULT_URL/s,
    );
    expect((error as Error).message).not.toMatch(/task fine/);
  });

  it('are no error if another store has them', async () => {
    const store = { store: async () => undefined, load: async () => undefined };
    const tm = managerOn({ parts: ['results'] }, { requires: ['results'], resultStore: store });
    tm.task({ name: 'kept', result: '1h' }, async () => undefined);
    await expect(tm.broker()).resolves.toBeInstanceOf(MemoryBroker);
  });
});

describe('requires', () => {
  it('is checked: an unknown feature is an error with the nearest name', () => {
    expect(() => managerOn({}, { requires: ['idempotence' as 'idempotency'] })).toThrow(
      /requires: unknown feature "idempotence"; did you mean `idempotency`\?/,
    );
    expect(() => managerOn({}, { requires: 7 as never })).toThrow(/requires must be a list of features; got 7/);
  });

  it('is met by a broker that has everything it names', async () => {
    const tm = managerOn({}, { requires: ['idempotency', 'cancel', 'cancel-running', 'results', 'workers', 'counts'] });
    await expect(tm.broker()).resolves.toBeInstanceOf(MemoryBroker);
  });
});
