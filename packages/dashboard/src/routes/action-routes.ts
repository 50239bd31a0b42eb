import { checkQueueName, controlSignal, PauseFlags, readLane, systemClock, WorkerControl } from '@brokkr/core/adapter';
import type { Done, MoveRequest } from '../api/types.ts';
import { unknownQueue, type User } from '../access/user.ts';
import { cancelMessages } from '../actions/cancel-messages.ts';
import { type Change, changeByIds, except, inspectorOf } from '../actions/change-letters.ts';
import { ApiError, badRequest } from '../http/api-error.ts';
import { json } from '../http/answers.ts';
import { checkNames, idsIn, optionalFlag, text } from '../http/fields.ts';
import { readBody } from '../http/read-body.ts';
import type { Call, Route } from '../http/router.ts';
import type { BrokerView } from '../shown/broker-view.ts';
import { checkReached, type Handled, queueOf, viewOf } from './handled.ts';
import { schedulerOf } from './list-routes.ts';

type Body = Readonly<Record<string, unknown>>;

/** The calls that change something: each needs the right to operate, and the queue must be one that the user sees. */
export const ACTION_ROUTES: readonly Route<Handled>[] = [
  post(':b/queues/:q/pause', [], (ports) => setPaused(ports, true)),
  post(':b/queues/:q/resume', [], (ports) => setPaused(ports, false)),
  post(':b/queues/:q/purge', ['confirm'], purge),
  post(':b/queues/:q/messages/retry', ['ids'], (ports) => changeLetters(ports, { do: 'retry' })),
  post(':b/queues/:q/messages/discard', ['ids', 'confirm'], (ports) => {
    checkConfirmed(ports.body, ports.queue);
    return changeLetters(ports, { do: 'discard' });
  }),
  post(':b/queues/:q/messages/move', ['ids', 'to', 'create'], async (ports) => {
    const to = text(ports.body, 'to');
    await checkTarget({ to, create: optionalFlag(ports.body, 'create') }, ports.queue, ports);
    const done = await changeLetters(ports, { do: 'move', to });
    if (done.done > 0) await ports.view.source.made.add(to);
    return done;
  }),
  post(':b/queues/:q/messages/promote', ['ids'], promote),
  post(':b/queues/:q/messages/cancel', ['ids', 'running'], cancel),
  post(':b/workers/:id/quiet', ['quiet'], quiet),
  post(':b/schedules/:id/pause', [], (ports) => changeSchedule(ports, 'pause')),
  post(':b/schedules/:id/resume', [], (ports) => changeSchedule(ports, 'resume')),
  post(':b/schedules/:id/run', [], (ports) => changeSchedule(ports, 'run')),
];

interface Ports {
  readonly call: Call;
  readonly handled: Handled;
  readonly view: BrokerView;
  readonly user: User;
  readonly body: Body;
  /** The queue in the path; empty if it has none. */
  readonly queue: string;
}

/** A change: its rights, queue and body are checked before `act` is called. */
function post(path: string, fields: readonly string[], act: (ports: Ports) => Promise<Done>): Route<Handled> {
  const handle = async (call: Call, handled: Handled): Promise<Response> => {
    const { user } = handled;
    user.checkOperates();
    const view = viewOf(handled, call.path.b);
    const queue = call.path.q === undefined ? '' : await queueOf(call, view, user);
    const body = await readBody(call.request);
    checkNames(Object.keys(body), fields, 'field');
    return json(await act({ call, handled, view, user, body, queue }));
  };
  return { method: 'POST', path, handle };
}

/** @throws ApiError 400 unless the user typed the queue's name */
export function checkConfirmed(body: Body, queue: string): void {
  if (body.confirm === queue) return;
  throw new ApiError(400, 'CONFIRMATION_MISSING', `this cannot be undone: confirm must be the queue's name, ${queue}`);
}

/**
 * Checks the queue of a move.
 * @throws ApiError 400 for the same queue or an invalid name, 404 for a queue that the user does not see, 409 for a queue
 *   that is not known, without `create`
 */
export async function checkTarget(
  { to, create = false }: Pick<MoveRequest, 'to' | 'create'>,
  from: string,
  { user, view }: Pick<Ports, 'user' | 'view'>,
): Promise<void> {
  if (to === from) throw badRequest('to must be another queue; retry puts letters back into their own');
  try {
    checkQueueName(to);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
  if (!user.sees(to)) throw unknownQueue(to);
  if (create && readLane(to).queue === to) return;
  if (await view.lists(to)) return;
  // No queue begins with one of its lanes.
  if (readLane(to).queue !== to) throw unknownQueue(to);
  const name = JSON.stringify(to);
  throw new ApiError(409, 'QUEUE_NEW', `no queue ${name} is known; to move letters to a new queue, pass create: true`);
}

async function setPaused({ view, queue, handled, user }: Ports, paused: boolean): Promise<Done> {
  const { states, signals } = await view.open();
  if (states === undefined) throw unsupported('this broker keeps no state, so a pause would be forgotten');
  const flags = new PauseFlags(states);
  await (paused ? flags.pause(queue, handled.now()) : flags.resume(queue));
  // The flag is set: workers that do not hear the signal read it within a minute.
  await signals?.send(controlSignal('pause', { queue, paused }));
  view.sampler.refresh(queue);
  handled.note(view, { what: paused ? 'pause' : 'resume', queue, count: 1 }, user);
  return { done: 1, missing: [] };
}

async function purge({ view, queue, body, handled, user }: Ports): Promise<Done> {
  checkConfirmed(body, queue);
  const done = await view.source.purge(inspectorOf(await view.open()), queue);
  view.looks.forget(queue, 'all');
  view.sampler.refresh();
  handled.note(view, { what: 'purge', queue, count: done }, user);
  return { done, missing: [] };
}

async function changeLetters({ view, queue, body, handled, user }: Ports, change: Change): Promise<Done> {
  const ids = idsIn(body);
  const answer = await changeByIds(await view.open(), queue, ids, change);
  changed(view, queue, except(ids, answer.missing));
  const target = change.do === 'move' ? { target: change.to } : {};
  handled.note(view, { what: change.do, queue, ...target, count: answer.done }, user);
  return answer;
}

async function promote({ view, queue, body, handled, user }: Ports): Promise<Done> {
  const ids = idsIn(body);
  const { messages } = await view.open();
  if (messages === undefined) throw unsupported('this broker cannot find messages by their ids');
  const done = await messages.promote(queue, ids);
  changed(view, queue, done);
  handled.note(view, { what: 'run now', queue, count: done.length }, user);
  return { done: done.length, missing: except(ids, done) };
}

async function cancel({ view, queue, body, handled, user }: Ports): Promise<Done> {
  const ids = idsIn(body);
  const answer = await cancelMessages(await view.open(), queue, ids, optionalFlag(body, 'running') ?? false);
  changed(view, queue, except(ids, answer.missing));
  handled.note(view, { what: 'cancel', queue, count: answer.done }, user);
  return answer;
}

async function quiet({ call, view, body, handled, user }: Ports): Promise<Done> {
  const worker = call.path.id ?? '';
  const isQuiet = optionalFlag(body, 'quiet') ?? true;
  const sample = await view.sampler.current();
  const known = sample.workers.find(({ id }) => id === worker);
  if (known === undefined) checkReached(sample);
  // A worker serves all its queues, or none.
  if (known === undefined || !known.queues.every(({ name }) => user.sees(name))) return { done: 0, missing: [worker] };
  const control = new WorkerControl(worker, { broker: () => view.open(), clock: systemClock });
  const obeys = await (isQuiet ? control.quiet() : control.resume());
  view.sampler.refresh();
  handled.note(view, { what: isQuiet ? 'quiet' : 'end quiet', target: worker, count: 1 }, user);
  return obeys ? { done: 1, missing: [] } : { done: 0, missing: [worker] };
}

async function changeSchedule({ call, view, handled, user }: Ports, what: 'pause' | 'resume' | 'run'): Promise<Done> {
  const id = call.path.id ?? '';
  if (!user.seesAll) throw new ApiError(403, 'FORBIDDEN', 'schedules need the right to see all queues');
  const scheduler = schedulerOf(view, id);
  if (what === 'pause') await scheduler.pauseJob(id);
  else if (what === 'resume') await scheduler.resumeJob(id);
  else await scheduler.runJob(id);
  handled.note(view, { what: `${what} schedule`, target: id, count: 1 }, user);
  return { done: 1, missing: [] };
}

function changed(view: BrokerView, queue: string, ids: readonly string[]): void {
  if (ids.length === 0) return;
  view.looks.forget(queue, new Set(ids));
  view.sampler.refresh();
}

function unsupported(message: string): ApiError {
  return new ApiError(501, 'UNSUPPORTED', message);
}
