import { describe, expect, it } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import type { QueueReport } from '../../src/broker/inspector.ts';
import { countWorkers } from '../../src/control/count-workers.ts';
import { ConfigError } from '../../src/errors/errors.ts';

/** A broker with workers of these queues, which counts the reads of their reports. */
function setUp(...queuesOfWorkers: readonly string[][]) {
  const reads = { count: 0 };
  const reports = async () => {
    reads.count++;
    return queuesOfWorkers.map((queues) => ({
      report: { state: states.shift() ?? 'running', queues: Object.fromEntries(queues.map((q) => [q, 1])) },
    }));
  };
  const states: string[] = [];
  const broker = { workers: { reports } } as unknown as Broker;
  const count = async (...queues: readonly QueueReport[]) => Object.fromEntries(await countWorkers(broker, queues));
  return { reads, count, states };
}

describe('the workers of a queue, if the server counts consumers', () => {
  it('are the living ones if messages wait and no consumer is there: full workers, or a paused queue', async () => {
    const { reads, count } = setUp(['full', 'both'], ['full', 'paused']);
    const counts = await count(
      { queue: 'full', ready: 9, consumers: 0 },
      { queue: 'paused', ready: 0, delayed: 2, consumers: 0 },
      { queue: 'both', ready: 1, consumers: 3 },
      { queue: 'left', ready: 4, consumers: 0 },
      { queue: 'broken', error: new Error('no majority') },
    );
    expect(counts).toEqual({ full: 2, paused: 1, both: 3, left: 0 });
    expect(reads.count).toBe(1);
  });

  it('are its consumers, without a wait for reports, if every queue with messages has one', async () => {
    const { reads, count } = setUp(['served', 'idle']);
    const counts = await count({ queue: 'served', ready: 9, consumers: 1 }, { queue: 'idle', ready: 0, consumers: 0 });
    expect(counts).toEqual({ served: 1, idle: 0 });
    expect(reads.count).toBe(0);
  });

  it('are its consumers among thousands of queues', async () => {
    const { reads, count } = setUp(['q0']);
    const queues = Array.from({ length: 1_001 }, (_, n) => ({ queue: `q${n}`, ready: 1, consumers: 0 }));
    expect((await count(...queues)).q0).toBe(0);
    expect(reads.count).toBe(0);
    expect((await count(...queues.slice(0, 200))).q0).toBe(1);
  });

  it('are without those that are quiet or stopping: they take nothing', async () => {
    const { count, states } = setUp(['a', 'b'], ['a'], ['b']);
    states.push('quiet', 'running', 'stopping');
    expect(await count({ queue: 'a', ready: 1, running: 0 }, { queue: 'b', ready: 1, running: 0 })).toEqual({
      a: 1,
      b: 0,
    });
  });

  it('are its consumers if the user has no right to reports; another error is thrown', async () => {
    const waiting: QueueReport = { queue: 'q', ready: 1, consumers: 0 };
    const failing = (code: 'QUEUE_REFUSED' | 'WORKER_UNKNOWN') => {
      const reports = async () => Promise.reject(new ConfigError('no', { code }));
      return countWorkers({ workers: { reports } } as unknown as Broker, [waiting]);
    };
    expect(await failing('QUEUE_REFUSED')).toEqual(new Map([['q', 0]]));
    await expect(failing('WORKER_UNKNOWN')).rejects.toMatchObject({ code: 'WORKER_UNKNOWN' });
  });
});
