import { DURATION_BOUNDS } from '@brokkr/core/adapter';
import type {
  BrokerInfo,
  BulkJob,
  History,
  Overview,
  QueueRow,
  ScheduleRow,
  Session,
  TaskRow,
  WorkerRow,
} from '@brokkr/dashboard';

/** The time of the pictures: 14:03:07 in Berlin. */
export const NOW = Date.UTC(2026, 10, 28, 13, 3, 7);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
/** The renderer began to answer 502 ten minutes ago. */
export const OUTAGE = NOW - 10 * MINUTE;

/** A number between 0 and 1 that looks random, and is the same in each run. */
export function noise(seed: number): number {
  const value = Math.sin(seed * 12.9898) * 43_758.5453;
  return value - Math.floor(value);
}

const EVERYTHING: BrokerInfo['can'] = {
  ...{ browse: true, find: true, cancel: true, cancelRunning: true, promote: true, pause: true },
  ...{ workers: true, quiet: true, countRunning: true, oldest: true, schedules: true },
};

export const session: Session = {
  who: 'ada',
  can: { operate: true, payloads: false, queues: 'all' },
  readOnly: false,
  brokers: [
    { name: 'prod', kind: 'redis', can: EVERYTHING },
    { name: 'billing', kind: 'rabbitmq', can: EVERYTHING },
  ],
  version: '0.1.0',
  at: NOW,
  startedAt: NOW - 26 * HOUR,
  durationBounds: DURATION_BOUNDS.map((seconds) => seconds * 1_000),
};

interface Queue {
  readonly ready: number;
  readonly oldestMs?: number;
  readonly delayed: number;
  readonly running: number;
  readonly slots: number;
  readonly done: number;
  readonly failed?: number;
  readonly wait95?: number;
  readonly dead: number;
  readonly workers: number;
  /** Ready messages over the last hour, from 0 to 1 of now. */
  readonly trend: (at: number) => number;
}

const spiky = (seed: number) => (at: number) => (noise(seed + Math.floor(at * 14)) > 0.55 ? noise(seed + at * 9) : 0);
const wavy = (seed: number) => (at: number) =>
  0.35 + 0.5 * noise(seed + Math.floor(at * 20)) + 0.15 * Math.sin(at * 20);

const QUEUES: Readonly<Record<string, Queue>> = {
  reports: {
    ...{ ready: 3, oldestMs: 2 * HOUR + 4 * MINUTE, delayed: 0, running: 0, slots: 0, done: 0, dead: 0, workers: 0 },
    trend: (at) => Math.floor(at * 3.2) / 3,
  },
  billing: {
    ...{ ready: 1_204, oldestMs: 42 * MINUTE, delayed: 36, running: 0, slots: 8, done: 0, dead: 0, workers: 2 },
    trend: (at) => Math.max(0, at - 0.3) / 0.7,
  },
  pdf: {
    ...{ ready: 312, oldestMs: 520_000, delayed: 41, running: 16, slots: 16, done: 0.6, failed: 0.184 },
    ...{ wait95: 300_000, dead: 26, workers: 2 },
    trend: (at) => (at < 0.8 ? 0.02 * noise(at) : (at - 0.8) * 5),
  },
  emails: {
    ...{ ready: 0, delayed: 5, running: 8, slots: 16, done: 210, failed: 0, wait95: 40, dead: 0, workers: 3 },
    trend: spiky(3),
  },
  webhooks: {
    ...{ ready: 12, oldestMs: 310, delayed: 118, running: 31, slots: 64, done: 96, failed: 0.021, wait95: 420 },
    ...{ dead: 3, workers: 4, trend: wavy(5) },
  },
  'search-index': {
    ...{ ready: 148, oldestMs: 6_100, delayed: 0, running: 4, slots: 8, done: 22, failed: 0, wait95: 5_800, dead: 0 },
    ...{ workers: 1, trend: wavy(11) },
  },
  thumbnails: {
    ...{ ready: 0, delayed: 0, running: 5, slots: 16, done: 41, failed: 0.001, wait95: 85, dead: 0, workers: 2 },
    trend: spiky(17),
  },
  imports: {
    ...{ ready: 0, delayed: 2, running: 2, slots: 4, done: 4.4, failed: 0, wait95: 120, dead: 1, workers: 1 },
    trend: () => 0,
  },
};

export const queues: readonly QueueRow[] = Object.entries(QUEUES).map(([name, queue]) => {
  const { ready, delayed, running, dead, trend, wait95, oldestMs, failed, ...row } = queue;
  const isPaused = name === 'billing';
  return {
    ...{ name, ...row, paused: isPaused, counts: { ready, delayed, running, dead }, asOf: {} },
    ...(isPaused && { pausedAt: NOW - 42 * MINUTE, obeying: 2 }),
    ...(oldestMs !== undefined && { oldestMs }),
    ...(failed !== undefined && { failed }),
    ...(wait95 !== undefined && { wait50: wait95 / 4, wait95, run95: wait95 / 2 + 200 }),
    trend: Array.from({ length: 30 }, (_, index) => Math.round(Math.max(ready, 9) * trend(index / 29))),
  };
});

export const overview: Overview = {
  ...{ at: NOW, lookedSince: NOW - 3 * HOUR },
  ...{ queues: queues.length, paused: 1, asOf: {}, readyPaused: 1_204, workers: 12, slots: 128 },
  counts: { ready: 1_679, delayed: 202, running: 66, dead: 30 },
  ...{ done: 374, failed: 0.006, wait50: 45, wait95: 2_400 },
  ...{ oldestMs: 2 * HOUR + 4 * MINUTE, oldestQueue: 'reports', deadAdded: 29 },
  warnings: [
    {
      ...{ severity: 'error', code: 'DEAD_BURST', queue: 'pdf', task: 'invoice.pdf', count: 24, since: OUTAGE },
      error: 'Error: renderer said 502 for order #',
      message: '26 messages died in 10 minutes, 24 of the last 26 of "Error: renderer said 502 for order #"',
    },
    {
      ...{ severity: 'warning', code: 'QUEUE_UNSERVED', queue: 'reports', since: NOW - 2 * HOUR - 4 * MINUTE },
      message: '3 messages wait, and no worker takes this queue',
    },
    {
      ...{ severity: 'warning', code: 'QUEUE_PAUSED', queue: 'billing', since: NOW - 42 * MINUTE },
      message: 'is paused, 1,204 messages wait',
    },
  ],
};

/** The last hour. @param of a queue, or everything */
export function historyOf(queue: string | undefined): History {
  const t = Array.from({ length: 120 }, (_, index) => NOW - HOUR + index * 30_000);
  const column = (value: (at: number, index: number) => number) =>
    t.map((at, index) => Math.round(value(at, index) * 100) / 100);
  const after = (at: number) => Math.max(0, at - OUTAGE) / (NOW - OUTAGE);
  const isPdf = queue === 'pdf';
  const scale = isPdf ? 2.2 : 374;
  return {
    ...{ at: NOW, since: NOW - HOUR, step: 30, t },
    done: column(
      (at, index) => scale * (0.94 + 0.12 * noise(index)) * (isPdf ? 1 - 0.75 * Math.min(1, after(at) * 3) : 1),
    ),
    failed: column((at, index) =>
      isPdf
        ? at > OUTAGE
          ? 0.1 + 0.1 * noise(index)
          : noise(index) > 0.96
            ? 0.02
            : 0
        : 1 + noise(index) + (at > OUTAGE ? 1 : 0),
    ),
    ready: column((at, index) =>
      isPdf
        ? 312 * after(at) + 2 * noise(index)
        : 90 * noise(index) + 1_600 * Math.max(0, (at - NOW + 42 * MINUTE) / (42 * MINUTE)),
    ),
    delayed: column((at, index) => (isPdf ? 41 * after(at) : 160 + 40 * noise(index + 7))),
    dead: column((at) => (isPdf ? 26 : 30) * after(at)),
    wait50: column((at, index) => (isPdf ? 30 + 290_000 * after(at) ** 2 : 40 + 12 * noise(index + 3))),
    wait95: column((at, index) =>
      isPdf ? Math.min(300_000, 90 + 40 * noise(index) + 492_000 * after(at)) : 2_100 + 900 * noise(index + 5),
    ),
    run95: column((_, index) => 240 + 60 * noise(index + 1)),
  };
}

const TASKS: readonly (readonly [task: string, queue: string, done: number, failed: number, run95: number])[] = [
  ['invoice.pdf', 'pdf', 0.6, 0.184, 30_000],
  ['mail.welcome', 'emails', 122, 0, 180],
  ['mail.receipt', 'emails', 88, 0.0004, 210],
  ['webhook.deliver', 'webhooks', 96, 0.021, 2_400],
  ['search.index', 'search-index', 22, 0, 640],
  ['thumbnail.make', 'thumbnails', 41, 0.001, 380],
  ['import.csv', 'imports', 4.4, 0, 41_000],
];

export const tasks: readonly TaskRow[] = TASKS.map(([task, queue, done, failed, run95]) => ({
  ...{ task, queue, done, failed, run50: run95 / 3, run95, run99: run95 * 1.4, wait50: 20, wait95: 90 },
  totals: {
    ...{
      succeeded: Math.round(done * 93_600),
      retried: Math.round(failed * 9_000),
      dead: task === 'invoice.pdf' ? 26 : 0,
    },
    ...{ expired: 0, cancelled: 2, leaseLost: 0 },
  },
  ...(task === 'invoice.pdf' && { lastError: { error: 'Error: renderer said 502 for order 48838', at: NOW - 12_000 } }),
  ...(task === 'webhook.deliver' && { lastError: { error: 'TypeError: fetch failed', at: NOW - 49 * MINUTE } }),
}));

const WORKERS: readonly (readonly [id: string, queues: readonly string[], slots: number, busy: number])[] = [
  ['pdf-1', ['pdf'], 8, 8],
  ['pdf-2', ['pdf'], 8, 8],
  ['mail-1', ['emails', 'webhooks'], 32, 17],
  ['mail-2', ['emails', 'webhooks'], 32, 15],
  ['mail-3', ['emails', 'webhooks', 'billing'], 16, 7],
  ['media-1', ['thumbnails', 'imports'], 16, 5],
  ['index-1', ['search-index'], 8, 4],
  ['bill-1', ['billing'], 8, 2],
];

export const workers: readonly WorkerRow[] = WORKERS.map(([id, served, slots, busy], index) => ({
  ...{
    id,
    host: `web-${(index % 3) + 1}`,
    pid: 4_200 + index * 17,
    version: '0.1.0',
    startedAt: NOW - 26 * HOUR + index * MINUTE,
  },
  state: id === 'index-1' ? ('quiet' as const) : ('running' as const),
  queues: served.map((name, place) => ({ name, weight: served.length - place })),
  paused: served.includes('billing') ? ['billing'] : [],
  ...{
    slots,
    runningCount: busy,
    rssBytes: (180 + 31 * index) * 1_048_576,
    loopDelayMs: id === 'media-1' ? 212 : 2 + index,
  },
  running: Array.from({ length: busy }, (_, place) => ({
    ...{ id: `Rn${index}${place}tQ2vo85`, task: TASKS.find(([, queue]) => queue === served[0])?.[0] ?? 'bill.charge' },
    ...{ queue: served[0] as string, attempt: 1 + (place % 3), startedAt: NOW - 900 * (place + 1) ** 2 },
  })),
  reportedAt: NOW - 1_000 * (1 + (index % 5)),
}));

export const schedules: readonly ScheduleRow[] = [
  ['nightly-report', 'report.build', 'cron 0 2 * * *', 'Europe/Berlin', 13 * HOUR, 24 * HOUR],
  ['sync-stock', 'stock.sync', 'every 5 m', undefined, 2 * MINUTE, 5 * MINUTE],
  ['invoice-run', 'billing.run', 'cron 0 6 1 * *', 'America/New_York', 70 * HOUR, 720 * HOUR],
  ['clean-uploads', 'uploads.clean', 'every 1 h', undefined, 57 * MINUTE, HOUR],
].map(([id, task, trigger, timezone, first, every]) => ({
  ...{ id: id as string, scheduler: 'main', task: task as string, trigger: trigger as string },
  ...(timezone !== undefined && { timezone: timezone as string }),
  paused: id === 'clean-uploads',
  next: Array.from({ length: 5 }, (_, index) => NOW + (first as number) + index * (every as number)),
  lastAt: NOW + (first as number) - (every as number),
}));

export const bulk: readonly BulkJob[] = [
  {
    ...{
      id: 'b1',
      do: 'retry',
      queue: 'webhooks',
      filter: { task: 'webhook.deliver', error: 'ECONNRESET' },
      who: 'ada',
    },
    ...{ startedAt: NOW - 41_000, state: 'running', done: 13_500, looked: 14_200, total: 21_400 },
  },
  {
    ...{
      id: 'b2',
      do: 'move',
      queue: 'imports',
      to: 'imports-slow',
      filter: {},
      who: 'grace',
      startedAt: NOW - 3 * HOUR,
    },
    ...{ endedAt: NOW - 3 * HOUR + 9_000, state: 'done', done: 1_204, looked: 1_204, total: 1_204 },
  },
  {
    ...{
      id: 'b3',
      do: 'discard',
      queue: 'webhooks',
      filter: { error: '410 Gone' },
      who: 'ada',
      startedAt: NOW - 27 * HOUR,
    },
    ...{
      endedAt: NOW - 27 * HOUR + 8_000,
      state: 'interrupted',
      isElsewhere: true,
      done: 1_500,
      looked: 1_500,
      total: 4_000,
    },
  },
];
