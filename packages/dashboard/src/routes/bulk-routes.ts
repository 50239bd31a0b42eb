import type { BulkRequest, BulkStarted, Done, LetterQuery } from '../api/types.ts';
import { unknownQueue } from '../access/user.ts';
import { ApiError, badRequest } from '../http/api-error.ts';
import { json } from '../http/answers.ts';
import { checkNames, optionalChoice, optionalFlag, optionalNumber, optionalText, text } from '../http/fields.ts';
import { readBody } from '../http/read-body.ts';
import type { Call, Route } from '../http/router.ts';
import { queryFilter } from '../letters/letter-query.ts';
import { checkConfirmed, checkTarget } from './action-routes.ts';
import { type Handled, payloadView, viewOf } from './handled.ts';
import { letterQuery } from './message-routes.ts';

/** Above it the user types the queue's name. */
const UNCONFIRMED = 100;
const MOST_EXPECTED = 100_000_000;

export const BULK_ROUTES: readonly Route<Handled>[] = [
  { method: 'POST', path: ':b/bulk', handle: start },
  { method: 'POST', path: ':b/bulk/:job/stop', handle: stop },
];

async function start(call: Call, handled: Handled): Promise<Response> {
  const { user } = handled;
  user.checkOperates();
  const view = viewOf(handled, call.path.b);
  const request = readRequest(await readBody(call.request));
  const { queue, expect, to } = request;
  user.checkSees(queue);
  if (!(await view.knows(queue))) throw unknownQueue(queue);
  if (request.do === 'discard' || expect > UNCONFIRMED) checkConfirmed({ ...request }, queue);
  if (to !== undefined) await checkTarget({ to, create: request.create }, queue, { user, view });
  const matches = queryFilter(request.filter, queue, payloadView(handled));
  const total = (await view.sampler.current()).queues.get(queue)?.counts.dead ?? expect;
  const broker = await view.open();
  const work = { request, who: user.who, broker, matches, total, now: handled.now, logger: view.source.logger };
  // As soon as the first letters are there: the dashboard may die before the last ones.
  const onFirst = () => void (to !== undefined && view.source.made.add(to));
  const job = await view.jobs.start({ ...work, onFirst }, (count) => {
    view.looks.forget(queue, 'all');
    view.sampler.refresh();
    const target = to === undefined ? {} : { target: to };
    handled.note(view, { what: `bulk ${request.do}`, queue, ...target, count }, user);
  });
  return json({ job } satisfies BulkStarted, 202);
}

function readRequest(body: Readonly<Record<string, unknown>>): BulkRequest {
  checkNames(Object.keys(body), ['do', 'queue', 'filter', 'to', 'create', 'expect', 'confirm'], 'field');
  const what = optionalChoice(body, 'do', ['retry', 'discard', 'move']);
  if (what === undefined) throw badRequest('do is missing');
  const expect = optionalNumber(body, 'expect', { least: 1, most: MOST_EXPECTED });
  if (expect === undefined) throw badRequest('expect is missing: how many letters do you expect to change?');
  const to = optionalText(body, 'to');
  if ((what === 'move') !== (to !== undefined)) throw badRequest('to is the queue of a move, and of nothing else');
  const create = optionalFlag(body, 'create');
  if (create !== undefined && to === undefined) throw badRequest('create is an option of a move, and of nothing else');
  const confirm = optionalText(body, 'confirm');
  return {
    do: what,
    queue: text(body, 'queue'),
    filter: filterIn(body.filter),
    expect,
    ...(to !== undefined && { to }),
    ...(create !== undefined && { create }),
    ...(confirm !== undefined && { confirm }),
  };
}

function filterIn(given: unknown): LetterQuery {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw badRequest('filter must be an object');
  checkNames(Object.keys(given), ['task', 'error', 'group', 'text', 'since', 'until'], 'field of filter');
  return letterQuery(given as Readonly<Record<string, unknown>>);
}

async function stop(call: Call, handled: Handled): Promise<Response> {
  const { user } = handled;
  user.checkOperates();
  const view = viewOf(handled, call.path.b);
  checkNames(Object.keys(await readBody(call.request)), [], 'field');
  const id = call.path.job ?? '';
  const job = view.jobs.find(id);
  if (job === undefined || !user.sees(job.queue)) throw new ApiError(404, 'JOB_UNKNOWN', 'there is no such bulk job');
  const isStopped = view.jobs.stop(id);
  if (isStopped) handled.note(view, { what: 'stop bulk', queue: job.queue, target: id, count: 1 }, user);
  return json({ done: isStopped ? 1 : 0, missing: isStopped ? [] : [id] } satisfies Done);
}
