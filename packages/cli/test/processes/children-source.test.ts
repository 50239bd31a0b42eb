import type { MetricFamily, WorkerHealth } from '@brokkr/core/metrics';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ChildState } from '../../src/processes/child-state.ts';
import { ChildrenSource, type WatchedChild } from '../../src/processes/children-source.ts';
import type { StateQuestion, WantedMetrics } from '../../src/processes/supervisor-messages.ts';

const HEALTHY: WorkerHealth = { live: [], ready: [], started: [] };

function families(count: number): readonly MetricFamily[] {
  return [
    { name: 'brokkr_jobs_total', help: '', type: 'counter', across: 'sum', samples: [{ labels: [], value: count }] },
    { name: 'brokkr_slots', help: '', type: 'gauge', across: 'sum', samples: [{ labels: [], value: 4 }] },
  ];
}

/** A process that has counted `count` jobs and answers at once. */
class TestChild implements WatchedChild {
  readonly workerId = 'w';
  count = 0;
  readonly asked: WantedMetrics[] = [];
  readonly state: ChildState = new ChildState((question: StateQuestion) => {
    this.asked.push(question.metrics);
    const all = families(this.count);
    const metrics = { none: undefined, counters: all.slice(0, 1), all }[question.metrics];
    queueMicrotask(() => this.state.received({ brokkr: 'answer', number: question.number, health: HEALTHY, metrics }));
  });
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const open = (children: readonly TestChild[], metrics = true) =>
  ChildrenSource.open({ children: () => children, processes: 2, metrics, leaseMs: 30_000 });

it('a process that is killed before the first scrape has its counts of up to three seconds before', async () => {
  const children = [new TestChild(), new TestChild()] as [TestChild, TestChild];
  const source = await open(children);
  children[0].count = 7;
  await vi.advanceTimersByTimeAsync(3_000);
  children[0].count = 8;
  source.ended(children[0]);
  children.shift();
  expect(await source.metrics('text')).toMatch(/^brokkr_jobs_total 7$/m);
  source.close();
});

it('a scrape has the gauges of every process, also if their counters were asked for in between', async () => {
  const children = [new TestChild(), new TestChild()];
  const source = await open(children);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await source.metrics('text')).toMatch(/^brokkr_slots 8$/m);
  expect(children[0]?.asked).toEqual(['none', 'none', 'counters', 'all']);
  source.close();
});

it('a supervisor that serves no metrics asks for none', async () => {
  const children = [new TestChild()];
  const source = await open(children, false);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(new Set(children[0]?.asked)).toEqual(new Set(['none']));
  source.close();
});
