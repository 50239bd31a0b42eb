import type { Broker } from '../broker/broker.ts';
import type { Envelope } from '../broker/envelope.ts';
import { ENQUEUED_AT_HEADER, REDRIVEN_HEADER } from '../broker/headers.ts';
import { readRedriven } from '../broker/dead-letter.ts';
import type { Inspector, QueueReport } from '../broker/inspector.ts';
import { countWorkers } from '../control/count-workers.ts';
import { PauseFlags } from '../control/pause-flags.ts';
import { counter, gauge, labelsOf } from './make-family.ts';
import type { MetricFamily, NumberSample } from './metric-family.ts';

const STATES = ['ready', 'delayed', 'running', 'dead'] as const;

/** Queues whose oldest message is read at the same time. */
const READ_AT_ONCE = 50;

/**
 * Reads the metrics of queues: one process of a system exports them, because every process would report the same figures.
 * A figure that the server does not know has no series.
 *
 * @param now epoch milliseconds
 * @throws BrokerUnavailableError if the broker is unreachable
 */
export async function queueFamilies(
  broker: Broker,
  queues: readonly string[],
  now: number,
): Promise<readonly MetricFamily[]> {
  const { inspector, states } = broker;
  if (inspector === undefined) return [];
  const [reports, paused] = await Promise.all([
    inspector.countsOf(queues),
    states === undefined ? undefined : new PauseFlags(states).pausedOf(queues),
  ]);
  const [ages, workers] = await Promise.all([oldestAges(inspector, reports, now), countWorkers(broker, reports)]);
  return [
    gauge(
      'brokkr_queue_messages',
      'Messages of a queue, by state.',
      reports.flatMap((report) => STATES.flatMap((state) => sample(report[state], { queue: report.queue, state }))),
    ),
    gauge(
      'brokkr_queue_oldest_seconds',
      'How long the first ready message has been due; 0 without ready messages.',
      reports.flatMap(({ queue }) => sample(ages.get(queue), { queue })),
    ),
    gauge(
      'brokkr_queue_paused',
      'Whether workers were told to start nothing of the queue.',
      paused === undefined ? [] : queues.flatMap((queue) => sample(Number(paused.has(queue)), { queue })),
    ),
    gauge(
      'brokkr_queue_workers',
      'Consumers that the server counts on the queue, or workers that take its messages if they are more.',
      reports.flatMap(({ queue }) => sample(workers.get(queue), { queue })),
    ),
    counter(
      'brokkr_queue_published_total',
      'Messages that came into the queue.',
      reports.flatMap(({ queue, published }) => sample(published, { queue })),
    ),
    counter(
      'brokkr_queue_acknowledged_total',
      'Messages whose task succeeded.',
      reports.flatMap(({ queue, acknowledged }) => sample(acknowledged, { queue })),
    ),
    gauge(
      'brokkr_queue_unreadable',
      'Whether the queue could not be read.',
      reports.flatMap(({ queue, error }) => sample(Number(error !== undefined), { queue })),
    ),
  ];
}

/** The ages of the first ready messages, in seconds, if the server can show them without taking them. */
async function oldestAges(
  inspector: Inspector,
  reports: readonly QueueReport[],
  now: number,
): Promise<ReadonlyMap<string, number>> {
  const ages = new Map<string, number>();
  if (inspector.browsing !== 'free') return ages;
  const waiting: QueueReport[] = [];
  for (const report of reports) {
    if (report.error !== undefined || report.ready === undefined) continue;
    if (report.ready === 0) ages.set(report.queue, 0);
    else waiting.push(report);
  }
  for (let from = 0; from < waiting.length; from += READ_AT_ONCE) {
    await Promise.all(
      waiting.slice(from, from + READ_AT_ONCE).map(async ({ queue, overdueMs = 0 }) => {
        const { items } = await inspector.page(queue, 'ready', { limit: 1 });
        const [first] = items;
        // Consumers may have taken it since it was counted.
        const ageMs = first === undefined ? 0 : Math.max(overdueMs, now - dueSince(first.envelope));
        ages.set(queue, ageMs / 1_000);
      }),
    );
  }
  return ages;
}

/** When a ready message became due, epoch milliseconds; 0 if its headers do not say. */
export function dueSince({ headers, notBefore }: Envelope): number {
  const sentAt = Number(headers[ENQUEUED_AT_HEADER] ?? Number.NaN);
  const times = [sentAt, notBefore, readRedriven(headers[REDRIVEN_HEADER])?.at];
  return Math.max(...times.filter((time) => time !== undefined && Number.isFinite(time)).map(Number), 0);
}

function sample(value: number | undefined, labels: Readonly<Record<string, string>>): readonly NumberSample[] {
  return value === undefined ? [] : [{ labels: labelsOf(labels), value }];
}
