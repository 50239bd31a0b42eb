import { randomUUID } from 'node:crypto';
import { TaskManager } from '@brokkr/core';
import pino from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createBroker, MemoryBroker } from '@brokkr/broker-memory';

const managers: TaskManager[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const tm of managers.splice(0)) await tm.close();
});

function manager(): TaskManager {
  const tm = TaskManager.getInstance(`process-${randomUUID()}`);
  managers.push(tm);
  return tm;
}

describe('SERVICE_TYPE', () => {
  it('SERVICE_TYPE=api makes a process a producer, which refuses a worker', async () => {
    vi.stubEnv('SERVICE_TYPE', 'api');
    const tm = manager();
    await tm.initialize({ broker: new MemoryBroker(), logLevel: 'silent' });
    expect(tm.runMode).toBe('producer');
    expect(() => tm.createWorker()).toThrow(
      expect.objectContaining({ name: 'ConfigError', code: 'WORKER_IN_PRODUCER' }),
    );
  });

  it('SERVICE_TYPE=worker, or `runMode: "worker"` with any SERVICE_TYPE, allows a worker', async () => {
    vi.stubEnv('SERVICE_TYPE', 'worker');
    expect(manager().configure({ broker: new MemoryBroker() }).createWorker().id).toEqual(expect.any(String));
    vi.stubEnv('SERVICE_TYPE', 'api');
    const tm = manager().configure({ broker: new MemoryBroker(), runMode: 'worker' });
    expect(tm.createWorker().id).toEqual(expect.any(String));
  });
});

describe('sending to a broker that is private to the process', () => {
  function warningsOf(tm: TaskManager): string[] {
    const warnings: string[] = [];
    const write = (line: string) => {
      const { level, msg } = JSON.parse(line) as { level: number; msg: string };
      if (level === 40) warnings.push(msg);
    };
    tm.configure({ broker: new MemoryBroker(), logger: pino({ level: 'info' }, { write }) });
    return warnings;
  }

  it('warns once that the message will not run, if no worker was created', async () => {
    const tm = manager();
    const warnings = warningsOf(tm);
    const task = tm.task({ name: 'work' }, async () => undefined);
    await task.send();
    await task.send();
    expect(warnings).toEqual([expect.stringMatching(/^this message will not run: .*; set TASK_BROKER_URL$/)]);
  });

  it('does not warn if the process has a worker', async () => {
    const tm = manager();
    const warnings = warningsOf(tm);
    const task = tm.task({ name: 'work' }, async () => undefined);
    tm.createWorker();
    await task.send();
    expect(warnings).toEqual([]);
  });
});

describe('invalid settings', () => {
  it('reject the first use, a direct call as well as a send', async () => {
    vi.stubEnv('TASK_TIMEOUT', 'soon');
    const tm = TaskManager.getInstance(`process-${randomUUID()}`);
    const task = tm.task({ name: 'work' }, async () => undefined);
    const wrong = expect.objectContaining({ name: 'ConfigError', code: 'SETTINGS_INVALID' });
    await expect(task.send()).rejects.toThrow(wrong);
    const called = task();
    await expect(called).rejects.toThrow(wrong);
  });
});

describe('TASK_RESULT_URL', () => {
  it('name the broker of the results if the broker of the messages keeps none', async () => {
    const [messages, results] = [`memory:m-${randomUUID()}`, `memory:r-${randomUUID()}`];
    vi.stubEnv('TASK_BROKER_URL', messages);
    vi.stubEnv('TASK_RESULT_URL', results);
    const tm = manager();
    await tm.initialize({ logLevel: 'silent' });
    const task = tm.task({ name: 'sum', result: '1h' }, async (a: number, b: number) => a + b);
    await tm.createWorker().start();
    const handle = await task.send(1, 2);
    expect(await handle.result()).toBe(3);
    const kept = async (url: string) =>
      (createBroker(url) as MemoryBroker).results.load(handle.id, AbortSignal.abort()).then((result) => String(result));
    expect(await kept(results)).toMatch('3');
    expect(await kept(messages)).toBe('undefined');
  });
});
