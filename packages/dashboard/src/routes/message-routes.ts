import type { BrowsableState, Envelope } from '@brokkr/core/adapter';
import type {
  DeadGroups,
  FoundRow,
  LetterQuery,
  Listed,
  MessageRow,
  MessagesPage,
  MessageState,
} from '../api/types.ts';
import { unknownQueue } from '../access/user.ts';
import { ApiError, badRequest } from '../http/api-error.ts';
import { json } from '../http/answers.ts';
import { checkNames, optionalChoice, optionalNumber, optionalText, text } from '../http/fields.ts';
import { readBody } from '../http/read-body.ts';
import type { Call, Route } from '../http/router.ts';
import { inspectorOf } from '../actions/change-letters.ts';
import { DeadGrouping, groupLetters } from '../letters/dead-groups.ts';
import { inOrder } from '../letters/look-order.ts';
import { queryFilter } from '../letters/letter-query.ts';
import { LOOK_LIMITS } from '../letters/looks.ts';
import { readCursor } from '../letters/page-cursor.ts';
import { scanPage } from '../letters/scan-page.ts';
import { messageDetail } from '../payload/message-detail.ts';
import { messageRow, type SeenMessage, taskOf } from '../payload/message-row.ts';
import type { Sample } from '../sampling/sample.ts';
import type { BrokerView } from '../shown/broker-view.ts';
import { checkReached, type Handled, payloadView, queueOf, viewOf } from './handled.ts';

const STATES = ['ready', 'delayed', 'running', 'dead'] as const satisfies readonly MessageState[];
const FILTER = ['task', 'error', 'group', 'text', 'since', 'until'] as const;
const MOST_ITEMS = 200;
const USUAL_ITEMS = 50;
/** Queues that are searched for an id at the same time. */
const SEARCHED_AT_ONCE = 50;

/** The calls that read messages. */
export const MESSAGE_ROUTES: readonly Route<Handled>[] = [
  {
    method: 'GET',
    path: ':b/queues/:q/messages',
    query: ['state', 'after', 'from', 'limit', ...FILTER],
    handle: messages,
  },
  { method: 'POST', path: ':b/queues/:q/look', handle: look },
  { method: 'GET', path: ':b/queues/:q/messages/:id', handle: message },
  { method: 'GET', path: ':b/find', query: ['id'], handle: find },
  { method: 'GET', path: ':b/dead/groups', query: ['queue', ...FILTER], handle: groups },
];

/** Reads the conditions of a filter from parameters or a body. @throws ApiError 400 */
export function letterQuery(fields: Readonly<Record<string, unknown>>): LetterQuery {
  const query: { -readonly [K in keyof LetterQuery]: LetterQuery[K] } = {};
  for (const name of ['task', 'error', 'group', 'text'] as const) {
    const value = optionalText(fields, name);
    if (value !== undefined) query[name] = value;
  }
  for (const name of ['since', 'until'] as const) {
    const value = optionalNumber(fields, name, { least: 0, most: 9_999_999_999_999 });
    if (value !== undefined) query[name] = value;
  }
  return query;
}

async function messages(call: Call, handled: Handled): Promise<Response> {
  const view = viewOf(handled, call.path.b);
  const queue = await queueOf(call, view, handled.user);
  const { query } = call;
  const state = optionalChoice(query, 'state', STATES) ?? 'ready';
  const limit = optionalNumber(query, 'limit', { least: 1, most: MOST_ITEMS }) ?? USUAL_ITEMS;
  const matches = queryFilter(letterQuery(query), queue, payloadView(handled));
  if (state === 'running') return json(await running(view, queue, limit, matches, handled));
  const from = optionalChoice(query, 'from', ['oldest', 'newest']) ?? usualOrder(state);
  const inspector = inspectorOf(await view.open());
  const counted = countedIn(await view.sampler.current(), queue, state);
  if (inspector.browsing === 'front')
    return json(lookedAt(view, queue, state, { call, limit, from, matches, handled, counted }));
  const after = readCursor(query.after);
  const at = handled.now();
  const { items, next, looked } = await scanPage(inspector, { queue, state, from, limit, after, matches });
  const answer: MessagesPage = {
    at,
    items: items.map(({ envelope, dueAt }) => messageRow({ queue, state, envelope, dueAt }, payloadView(handled))),
    ...(next !== undefined && { next }),
    looked,
    matched: items.length,
    ...counted,
  };
  return json(answer);
}

function usualOrder(state: BrowsableState): 'oldest' | 'newest' {
  return state === 'dead' ? 'newest' : 'oldest';
}

interface Asked {
  readonly call: Call;
  readonly limit: number;
  readonly from: 'oldest' | 'newest';
  readonly matches: ((message: Envelope) => boolean) | undefined;
  readonly handled: Handled;
  readonly counted: Pick<MessagesPage, 'total' | 'totalAt'>;
}

function countedIn({ queues, at }: Sample, queue: string, state: MessageState): Asked['counted'] {
  const total = queues.get(queue)?.counts[state];
  return total === undefined ? {} : { total, totalAt: at };
}

/** A page of what the last look showed. It never makes a look by itself. */
function lookedAt(view: BrokerView, queue: string, state: BrowsableState, asked: Asked): MessagesPage {
  const { call, limit, from, matches, handled, counted } = asked;
  const kept = view.looks.items(queue, state) ?? [];
  const matching = matches === undefined ? kept : kept.filter(({ envelope }) => matches(envelope));
  const start = optionalNumber(call.query, 'after', { least: 0, most: 1_000_000 }) ?? 0;
  const items = inOrder(matching, state, from).slice(start, start + limit);
  const next = start + limit < matching.length ? String(start + limit) : undefined;
  return {
    at: handled.now(),
    items: items.map(({ envelope, dueAt }) => messageRow({ queue, state, envelope, dueAt }, payloadView(handled))),
    ...(next !== undefined && { next }),
    looked: kept.length,
    matched: matching.length,
    ...counted,
    look: view.looks.describe(queue, state),
  };
}

/**
 * Messages that workers run, by their reports. If the broker finds messages by ids, they have arguments, and those that
 * ended since the report are left out.
 */
async function running(
  view: BrokerView,
  queue: string,
  limit: number,
  matches: ((message: Envelope) => boolean) | undefined,
  handled: Handled,
): Promise<MessagesPage> {
  const sample = await view.sampler.current();
  const runs = sample.workers
    .flatMap((worker) => worker.running.map((run) => ({ ...run, worker: worker.id })))
    .filter((run) => run.queue === queue)
    .sort((a, b) => a.startedAt - b.startedAt);
  if (runs.length === 0) checkReached(sample);
  const { messages: index } = await view.open();
  const ids = runs.slice(0, 500).map(({ id }) => id);
  const found = index === undefined || ids.length === 0 ? [] : await index.find(queue, ids);
  const envelopes = new Map(
    found.filter(({ state }) => state === 'running').map(({ envelope }) => [envelope.id, envelope]),
  );
  const searched = new Set(index === undefined ? [] : ids);
  const present = runs.filter(({ id }) => envelopes.has(id) || !searched.has(id));
  const rows: MessageRow[] = [];
  for (const { id, task, attempt, startedAt, worker } of present) {
    const envelope = envelopes.get(id);
    if (matches !== undefined && (envelope === undefined || !matches(envelope))) continue;
    const known = envelope && messageRow({ queue, state: 'running', envelope, workerId: worker }, payloadView(handled));
    rows.push({ ...known, id, queue, state: 'running', task, attempt, startedAt, worker });
  }
  return {
    at: sample.at,
    items: rows.slice(0, limit),
    looked: present.length,
    matched: rows.length,
    ...countedIn(sample, queue, 'running'),
  };
}

async function look(call: Call, handled: Handled): Promise<Response> {
  const view = viewOf(handled, call.path.b);
  const queue = await queueOf(call, view, handled.user);
  const body = await readBody(call.request);
  checkNames(Object.keys(body), ['state', 'limit'], 'field');
  const state = optionalChoice(body, 'state', ['ready', 'delayed', 'dead']);
  if (state === undefined) throw badRequest('state is missing');
  const { usual, most } = LOOK_LIMITS[state];
  const limit = optionalNumber(body, 'limit', { least: 1, most }) ?? usual;
  const broker = await view.open();
  if (inspectorOf(broker).browsing === 'free') throw badRequest('this broker shows its messages without a look');
  // A look at ready messages marks them, so it is a change.
  if (state === 'ready') handled.user.checkOperates();
  await view.looks.look(broker, queue, state, limit);
  handled.note(
    view,
    { what: `look at ${state}`, queue, count: view.looks.items(queue, state)?.length ?? 0 },
    handled.user,
  );
  const counted = countedIn(await view.sampler.current(), queue, state);
  const from = usualOrder(state);
  return json(lookedAt(view, queue, state, { call, limit: MOST_ITEMS, from, matches: undefined, handled, counted }));
}

async function message(call: Call, handled: Handled): Promise<Response> {
  const view = viewOf(handled, call.path.b);
  const queue = await queueOf(call, view, handled.user);
  const id = call.path.id ?? '';
  const found = await findMessage(view, queue, id);
  if (found === undefined) throw notFound(id, (await view.open()).messages !== undefined);
  const run = (await view.sampler.current()).workers
    .flatMap((worker) => worker.running.map((each) => ({ ...each, worker: worker.id })))
    .find((each) => each.id === id && each.queue === queue);
  const detail = messageDetail(found, payloadView(handled), handled.now());
  if (found.state !== 'running' || run === undefined) return json(detail);
  return json({ ...detail, startedAt: run.startedAt, worker: run.worker });
}

async function findMessage(view: BrokerView, queue: string, id: string): Promise<SeenMessage | undefined> {
  const { messages: index } = await view.open();
  if (index !== undefined) {
    const [found] = await index.find(queue, [id]);
    return found && { queue, ...found };
  }
  for (const state of ['dead', 'ready', 'delayed'] as const) {
    const item = view.looks.items(queue, state)?.find(({ envelope }) => envelope.id === id);
    if (item !== undefined) return { queue, state, ...item };
  }
  return undefined;
}

function notFound(id: string, isSearched: boolean): ApiError {
  const shown = JSON.stringify(id.slice(0, 200));
  const why = isSearched
    ? 'it may have ended, or never existed'
    : 'this broker cannot find messages by their ids, and it is in no look that was made';
  return new ApiError(404, 'MESSAGE_UNKNOWN', `message ${shown} is not in this queue: ${why}`);
}

async function find({ path, query }: Call, handled: Handled): Promise<Response> {
  const view = viewOf(handled, path.b);
  const id = text(query, 'id');
  if (id.length > 200) throw badRequest('id has at most 200 characters');
  const sample = await view.sampler.current();
  const queues = [...sample.queues.keys()].filter((queue) => handled.user.sees(queue));
  if (queues.length === 0) checkReached(sample);
  const items: FoundRow[] = [];
  for (let at = 0; at < queues.length; at += SEARCHED_AT_ONCE) {
    const part = queues.slice(at, at + SEARCHED_AT_ONCE);
    const found = await Promise.all(part.map((queue) => findMessage(view, queue, id)));
    for (const each of found) {
      if (each !== undefined) items.push({ queue: each.queue, id, state: each.state, task: taskOf(each.envelope) });
    }
  }
  return json({ at: handled.now(), items } satisfies Listed<FoundRow>);
}

async function groups({ path, query }: Call, handled: Handled): Promise<Response> {
  const view = viewOf(handled, path.b);
  const { user } = handled;
  const only = optionalText(query, 'queue');
  if (only !== undefined) user.checkSees(only);
  const sample = await view.sampler.current();
  if (only !== undefined && !sample.queues.has(only)) {
    checkReached(sample);
    if (!(await view.lists(only))) throw unknownQueue(only);
  }
  const rows = [...sample.queues.values()].filter(({ name }) => (only === undefined ? user.sees(name) : name === only));
  const withLetters = rows.filter(({ counts }) => counts.dead !== 0);
  if (withLetters.length === 0) checkReached(sample);
  const filter = letterQuery(query);
  const filters = new Map<string, ((message: Envelope) => boolean) | undefined>();
  const matches = (queue: string, letter: Envelope): boolean => {
    if (!filters.has(queue)) filters.set(queue, queryFilter(filter, queue, payloadView(handled)));
    return filters.get(queue)?.(letter) ?? true;
  };
  const inspector = inspectorOf(await view.open());
  const names = withLetters.map(({ name }) => name);
  const isFree = inspector.browsing === 'free';
  const at = handled.now();
  const grouping = isFree ? await groupLetters(inspector, names, matches) : new DeadGrouping();
  if (!isFree) {
    for (const queue of names) {
      for (const { envelope } of view.looks.items(queue, 'dead') ?? []) {
        if (matches(queue, envelope)) grouping.add(queue, envelope);
        else grouping.looked++;
      }
    }
  }
  const lookedAtTimes = isFree ? [] : names.flatMap((queue) => view.looks.describe(queue, 'dead').at ?? []);
  const unseen = isFree ? [] : withLetters.filter(({ name }) => view.looks.items(name, 'dead') === undefined);
  const [onlyRow] = withLetters;
  const answer: DeadGroups = {
    at,
    ...grouping.groups(at),
    looked: grouping.looked,
    // The counts are some seconds old.
    total: grouping.isComplete ? grouping.looked : withLetters.reduce((sum, { counts }) => sum + (counts.dead ?? 0), 0),
    ...(!isFree && onlyRow !== undefined && only !== undefined && { look: view.looks.describe(only, 'dead') }),
    ...(lookedAtTimes.length > 0 && { asOf: Math.min(...lookedAtTimes) }),
    unseen: unseen.map(({ name, counts }) => ({
      queue: name,
      ...(counts.dead !== undefined && { dead: counts.dead }),
    })),
  };
  return json(answer);
}
