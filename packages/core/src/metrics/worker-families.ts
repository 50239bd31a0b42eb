import type { RunOutcome } from '../middleware/telemetry.ts';
import type { SendResult, SendStats } from '../producer/send-stats.ts';
import type { BrokerCalls } from '../worker/broker-calls.ts';
import type { Stats, TaskCell } from '../worker/stats.ts';
import { counter, gauge, histogram, histogramSample, labelsOf, single } from './make-family.ts';
import type { MetricFamily } from './metric-family.ts';

/** Metrics of the tasks that workers ran. */
export function taskFamilies(stats: Stats): readonly MetricFamily[] {
  const cells = [...stats.cells()];
  const ran = cells.filter((cell) => cell.ran.total > 0);
  return [
    counter('brokkr_tasks_total', 'Deliveries that ended, by outcome.', cells.flatMap(outcomeSamples)),
    histogram(
      'brokkr_task_run_seconds',
      'How long handlers ran.',
      ran.map((cell) => histogramSample(labelsOfCell(cell), cell.ran)),
    ),
    histogram(
      'brokkr_task_wait_seconds',
      'How long messages were due before their handlers started.',
      ran.map((cell) => histogramSample(labelsOfCell(cell), cell.waited)),
    ),
    counter(
      'brokkr_task_retries_total',
      'Attempts that failed and are retried, by the code or name of the error.',
      cells.flatMap(({ queue, task, retries }) =>
        [...retries].map(([error, value]) => ({ labels: labelsOf({ queue, task, error }), value })),
      ),
    ),
  ];
}

function outcomeSamples({ queue, task, outcomes }: TaskCell) {
  const always: readonly RunOutcome[] = ['succeeded', 'retried', 'dead'];
  return (Object.keys(outcomes) as RunOutcome[])
    .filter((outcome) => outcomes[outcome] > 0 || always.includes(outcome))
    .map((outcome) => ({ labels: labelsOf({ queue, task, outcome }), value: outcomes[outcome] }));
}

/** Metrics of the slots of workers. */
export function slotFamilies(
  workers: readonly { readonly running: number; readonly slots: number; readonly isHeldBySuspect: boolean }[],
): readonly MetricFamily[] {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return [
    single('brokkr_tasks_running', 'Handlers that run now.', sum(workers.map(({ running }) => running))),
    single('brokkr_worker_slots', 'Tasks that may run at the same time.', sum(workers.map(({ slots }) => slots))),
    single(
      'brokkr_worker_suspect_running',
      'Workers in which a message that crashed workers runs alone, or is about to: other messages wait.',
      workers.filter(({ isHeldBySuspect }) => isHeldBySuspect).length,
    ),
  ];
}

/** Metrics of the messages that this process sent. */
export function sendFamilies(stats: SendStats): readonly MetricFamily[] {
  const cells = [...stats.cells()];
  return [
    counter(
      'brokkr_sends_total',
      'Messages that were sent, by result.',
      cells.flatMap(({ queue, task, results }) =>
        (Object.keys(results) as SendResult[])
          .filter((result) => results[result] > 0 || result === 'stored')
          .map((result) => ({ labels: labelsOf({ queue, task, result }), value: results[result] })),
      ),
    ),
    histogram(
      'brokkr_send_seconds',
      'From send until the broker answered.',
      cells.map(({ queue, task, took }) => histogramSample(labelsOf({ queue, task }), took)),
    ),
  ];
}

/** Metrics of the connection of workers to their broker. @param isUp whether the broker answers; `undefined` if unknown */
export function brokerFamilies(calls: BrokerCalls, isUp: boolean | undefined): readonly MetricFamily[] {
  const operations = (['receive', 'settle', 'extend'] as const).filter((operation) => calls[operation].total > 0);
  const { sinceAnswerMs } = calls;
  return [
    histogram(
      'brokkr_broker_call_seconds',
      'Calls of workers to the broker. A receive includes the wait for messages.',
      operations.map((operation) => histogramSample(labelsOf({ operation }), calls[operation])),
    ),
    single(
      'brokkr_broker_up',
      'Whether the last call to the broker was answered.',
      isUp === undefined ? undefined : Number(isUp),
      'min',
    ),
    counter('brokkr_broker_reconnects_total', 'How often the broker answered again after a failure.', [
      { labels: [], value: calls.reconnects },
    ]),
    single(
      'brokkr_broker_last_answer_seconds',
      'Time since the broker last answered.',
      sinceAnswerMs === undefined ? undefined : sinceAnswerMs / 1_000,
      'max',
    ),
  ];
}

/** Metrics of this process. */
export function processFamilies(
  version: string,
  broker: string,
  loopDelayMs: number | undefined,
): readonly MetricFamily[] {
  return [
    gauge(
      'brokkr_worker_info',
      'Version of Brokkr and kind of broker; always 1.',
      [{ labels: labelsOf({ version, broker }), value: 1 }],
      'max',
    ),
    single(
      'brokkr_event_loop_delay_seconds',
      '99th percentile of the delay of the event loop since the last scrape.',
      loopDelayMs === undefined ? undefined : loopDelayMs / 1_000,
      'max',
    ),
    single('brokkr_process_resident_bytes', 'Memory of the process.', process.memoryUsage.rss()),
  ];
}

function labelsOfCell({ queue, task }: TaskCell) {
  return labelsOf({ queue, task });
}
