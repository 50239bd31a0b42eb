import type { History, Listed, ScheduleRow, Session } from '../api/types.ts';
import { ApiError, badRequest } from '../http/api-error.ts';
import { json } from '../http/answers.ts';
import { optionalNumber, optionalText } from '../http/fields.ts';
import type { Call, Route } from '../http/router.ts';
import { topicsIn } from '../live/live-topics.ts';
import { historyAnswer } from '../sampling/history-answer.ts';
import { BOUNDS_MS } from '../sampling/histogram.ts';
import type { HistoryRing } from '../sampling/history-ring.ts';
import { overviewOf } from '../sampling/overview.ts';
import type { Sample } from '../sampling/sample.ts';
import type { BrokerView } from '../shown/broker-view.ts';
import { visibleQueues, visibleTasks, visibleWorkers } from '../shown/visible.ts';
import { unknownQueue, type User } from '../access/user.ts';
import { checkReached, type Handled, queueOf, viewOf } from './handled.ts';

/** Runs of a schedule that are shown. */
const NEXT_RUNS = 5;
const MOST_MINUTES = 60;

/** The calls that answer from the last sample: they cost the broker nothing. */
export const LIST_ROUTES: readonly Route<Handled>[] = [
  { method: 'GET', path: 'session', handle: (_call, handled) => session(handled) },
  { method: 'GET', path: 'live', query: ['broker', 'topics'], handle: live },
  {
    method: 'GET',
    path: ':b/overview',
    handle: sampled((sample, user) => overviewOf(sample, visibleQueues(sample, user), user.seesAll)),
  },
  { method: 'GET', path: ':b/queues', handle: sampled((sample, user) => listed(sample, visibleQueues(sample, user))) },
  { method: 'GET', path: ':b/queues/:q', handle: queue },
  {
    method: 'GET',
    path: ':b/workers',
    handle: sampled((sample, user) => listed(sample, visibleWorkers(sample, user))),
  },
  { method: 'GET', path: ':b/tasks', handle: sampled((sample, user) => listed(sample, visibleTasks(sample, user))) },
  { method: 'GET', path: ':b/schedules', handle: schedules },
  { method: 'GET', path: ':b/history', query: ['queue', 'task', 'minutes'], handle: history },
  { method: 'GET', path: ':b/bulk', handle: bulk },
];

async function session({ user, views, readOnly, startedAt, version, now }: Handled): Promise<Response> {
  const answer: Session = {
    who: user.who,
    can: user.rights,
    readOnly,
    brokers: await Promise.all([...views.values()].map((view) => view.info())),
    version,
    at: now(),
    startedAt,
    durationBounds: BOUNDS_MS,
  };
  return json(answer);
}

function live({ query, request }: Call, handled: Handled): Promise<Response> {
  const view = viewOf(handled, query.broker);
  const topics = topicsIn(query.topics ?? 'overview', handled.user);
  return handled.streams.open(view, handled.user, topics, request.signal);
}

function sampled(answer: (sample: Sample, user: User) => object): Route<Handled>['handle'] {
  return async ({ path }, handled) => json(answer(await viewOf(handled, path.b).sampler.current(), handled.user));
}

function listed<Row>({ at, error }: Sample, items: readonly Row[]): Listed<Row> {
  return { at, items, ...(error !== undefined && { error }) };
}

async function queue(call: Call, handled: Handled): Promise<Response> {
  const view = viewOf(handled, call.path.b);
  const name = await queueOf(call, view, handled.user);
  const sample = await view.sampler.current();
  const row = sample.queues.get(name);
  if (row !== undefined) return json(row);
  checkReached(sample);
  throw unknownQueue(name);
}

async function schedules({ path }: Call, handled: Handled): Promise<Response> {
  const { schedulers } = viewOf(handled, path.b).source;
  if (!handled.user.seesAll) return json(listed({ at: handled.now() } as Sample, []));
  await Promise.all(schedulers.map((scheduler) => scheduler.readState()));
  const items: readonly ScheduleRow[] = schedulers.flatMap((scheduler) =>
    scheduler.getJobs().map((job) => ({
      id: job.id,
      scheduler: scheduler.name,
      task: job.taskName,
      trigger: job.trigger,
      timezone: job.timezone,
      paused: job.paused,
      next: job.paused ? [] : job.nextRuns(NEXT_RUNS).map((run) => run.getTime()),
      ...(job.lastTickAt !== undefined && { lastAt: job.lastTickAt.getTime() }),
    })),
  );
  return json({ at: handled.now(), items } satisfies Listed<ScheduleRow>);
}

async function history({ path, query }: Call, handled: Handled): Promise<Response> {
  const view = viewOf(handled, path.b);
  const { user } = handled;
  const { at } = await view.sampler.current();
  const queueName = optionalText(query, 'queue');
  const task = optionalText(query, 'task');
  if (queueName !== undefined) user.checkSees(queueName);
  if (task !== undefined && queueName === undefined) throw badRequest('task needs the queue of the task, too');
  const minutes = optionalNumber(query, 'minutes', { least: 1, most: MOST_MINUTES }) ?? MOST_MINUTES;
  const rings = ringsOf(view, user, queueName, task);
  const answer: History = historyAnswer(rings, { minutes, at, since: view.sampler.startedAt });
  return json(answer);
}

function ringsOf(
  view: BrokerView,
  user: User,
  queueName: string | undefined,
  task: string | undefined,
): readonly HistoryRing[] {
  const { meters } = view.sampler;
  if (queueName !== undefined) {
    const meter = task === undefined ? meters.queues.get(queueName) : meters.tasks.get(`${queueName} ${task}`);
    return meter === undefined ? [] : [meter.history];
  }
  if (user.seesAll) return [meters.all.history];
  return [...meters.queues].filter(([name]) => user.sees(name)).map(([, meter]) => meter.history);
}

async function bulk({ path }: Call, handled: Handled): Promise<Response> {
  const view = viewOf(handled, path.b);
  const items = (await view.jobs.read()).filter((job) => handled.user.sees(job.queue));
  return json({ at: handled.now(), items });
}

/** The scheduler that has a job. @throws ApiError 404 */
export function schedulerOf(view: BrokerView, id: string) {
  const scheduler = view.source.schedulers.find((each) => each.getJobs().some((job) => job.id === id));
  if (scheduler !== undefined) return scheduler;
  throw new ApiError(404, 'SCHEDULE_UNKNOWN', `there is no schedule ${JSON.stringify(id.slice(0, 120))}`);
}
