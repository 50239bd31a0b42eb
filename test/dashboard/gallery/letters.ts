import type { DeadGroups, MessageDetail, MessageRow, MessagesPage, MessageState } from '@brokkr/dashboard';
import { MINUTE, NOW, noise, OUTAGE, workers } from './figures.ts';

const LETTERS = 26;
const ERROR = 'renderer said 502 for order';
const GROUPS = ['Error: renderer said 502 for order #', 'PermanentError: order # has no address'] as const;

/** An id as they are, from a number. */
function idOf(index: number): string {
  return `Xc7p${(index * 7_919 + 46_656).toString(36).padStart(4, '0')}vo${index + 10}`;
}

const isHopeless = (index: number) => index === 7 || index === 19;

function letter(index: number): MessageRow {
  const order = 48_838 - index;
  const reason = isHopeless(index) ? `PermanentError: order ${order} has no address` : `Error: ${ERROR} ${order}`;
  const died = NOW - 12_000 - index * 22_000;
  return {
    ...{ id: idOf(index), queue: 'pdf', state: 'dead', task: 'invoice.pdf', sentAt: died - 4 * MINUTE, attempt: 3 },
    ...{ maxAttempts: 3, deadAt: died, deadBy: index % 3 === 0 ? 'pdf-2' : 'pdf-1', reason },
    group: GROUPS[isHopeless(index) ? 1 : 0],
    ...(index % 9 === 3 && { redriven: 1 + (index % 2) }),
    args: `[{"order":${order},"locale":"${['de', 'en', 'fr'][index % 3]}","customer":{"email":"•••"},"callbackToken":"•••"}]`,
  };
}

const letters = Array.from({ length: LETTERS }, (_, index) => letter(index));

function waiting(state: MessageState, index: number): MessageRow {
  return {
    ...{ id: idOf(index + 300), queue: 'pdf', state, task: 'invoice.pdf', sentAt: NOW - 500_000 + index * 9_000 },
    ...{ attempt: state === 'ready' ? 1 : 2, args: `[{"order":${48_900 + index},"locale":"de"}]` },
    ...(state === 'delayed' && { dueAt: NOW + 2_000 + index * 3_000, isRetry: true }),
    ...(state === 'running' && { startedAt: NOW - 1_500 * (index + 1), worker: workers[index % 2]?.id as string }),
  };
}

/** A page of the messages of the queue `pdf`. */
export function messagesOf(state: MessageState, group: string | null): MessagesPage {
  const total = { ready: 312, delayed: 41, running: 16, dead: LETTERS }[state];
  if (state !== 'dead') {
    const items = Array.from({ length: Math.min(total, 12) }, (_, index) => waiting(state, index));
    return { at: NOW, items, looked: total, matched: total, total };
  }
  const items = letters.filter((each) => group === null || each.group === group);
  return { at: NOW, items, looked: LETTERS, matched: items.length, total };
}

/** @param queue only its groups */
export function groupsOf(queue: string | null): DeadGroups {
  /** Bars of three minutes, by how many bars ago. */
  const deaths = (...ago: readonly number[]) =>
    Array.from({ length: 20 }, (_, bar) => ago.filter((each) => each === 19 - bar).length);
  const burst = Array.from({ length: 24 }, (_, index) => Math.floor(4 * noise(index + 4) ** 1.2));
  const group = { queue: 'pdf', task: 'invoice.pdf', redriven: 0 };
  const items = [
    {
      ...group,
      error: GROUPS[0],
      example: `Error: ${ERROR} 48838`,
      count: 24,
      firstAt: OUTAGE,
      lastAt: NOW - 12_000,
      redriven: 3,
      deaths: deaths(...burst),
    },
    {
      ...{
        ...group,
        queue: 'webhooks',
        task: 'webhook.deliver',
        error: 'TypeError: fetch failed',
        example: 'TypeError: fetch failed',
      },
      ...{ count: 3, firstAt: NOW - 58 * MINUTE, lastAt: NOW - 49 * MINUTE, deaths: deaths(19, 18, 16) },
    },
    {
      ...group,
      error: GROUPS[1],
      example: 'PermanentError: order 48831 has no address',
      count: 2,
      firstAt: NOW - 8 * MINUTE,
      lastAt: NOW - 4 * MINUTE,
      deaths: deaths(2, 1),
    },
    {
      ...{
        ...group,
        queue: 'imports',
        task: 'import.csv',
        error: 'RangeError: line # has # columns',
        example: 'RangeError: line 17 has 4 columns',
      },
      ...{ count: 1, firstAt: NOW - 21 * MINUTE, lastAt: NOW - 21 * MINUTE, deaths: deaths(7) },
    },
  ].filter((each) => queue === null || each.queue === queue);
  const looked = items.reduce((sum, { count }) => sum + count, 0);
  return { at: NOW, items, barMs: 3 * MINUTE, looked, total: looked, unseen: [] };
}

const STACK = `Error: ${ERROR} 48817
    at render (/app/src/pdf/renderer.ts:42:11)
    at drawInvoice (/app/src/pdf/invoice.ts:88:20)
    at invoicePdf (/app/src/tasks/invoice.ts:17:5)
    at processResponse (/app/node_modules/undici/lib/api/api-request.js:118:9)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)`;

const BODY = `[{"order":48817,"locale":"de","total":9007199254740993,"customer":{"name":"Acme GmbH","email":"•••"},"lines":[{"sku":"AX-204","count":2},{"sku":"BR-011","count":1}],"callbackToken":"•••"}]`;

/** The message of the pictures: redriven, failed three times, dead. */
export function messageOf(id: string): MessageDetail {
  return id === CRASHED ? crashed() : failed(id);
}

/** Id of a letter that crashed its workers. */
export const CRASHED = 'Xc7pCr4sh3';

function crashed(): MessageDetail {
  const { sentAt, deadAt, attempt, attempts, redriven, group, headers, ...message } = failed(CRASHED);
  const reason = 'crashed: 3 workers died or lost their lease while they held it';
  return {
    ...{ ...message, sentAt: NOW - 400_000, deadAt: NOW - 250_000, deadBy: 'pdf-1', reason, group: reason },
    ...{ attempt: 0, attempts: [], crashes: 3, headers: [...headers.slice(0, 1), ...headers.slice(3)] },
  };
}

function failed(id: string): MessageDetail {
  const at = (seconds: number) => NOW - 370_000 + seconds * 1_000;
  const error = { name: 'Error', message: `${ERROR} 48817`, stack: STACK };
  const attempt = (number: number, ended: number, ranMs: number, worker: string) => ({
    ...{ attempt: number, at: at(ended), ranMs, worker, error },
  });
  return {
    ...{
      id,
      queue: 'pdf',
      state: 'dead',
      task: 'invoice.pdf',
      at: NOW,
      sentAt: at(-1_134),
      attempt: 3,
      maxAttempts: 3,
    },
    ...{ deadAt: at(123), deadBy: 'pdf-2', reason: `Error: ${ERROR} 48817`, group: GROUPS[0], timeoutMs: 30_000 },
    attempts: [attempt(1, 51, 30_000, 'pdf-1'), attempt(2, 64.2, 8_200, 'pdf-2'), attempt(3, 123, 30_000, 'pdf-2')],
    redriven: { count: 1, at: at(0), reason: `Error: ${ERROR} 48817`, attempts: [attempt(3, -962, 30_000, 'pdf-1')] },
    headers: [
      { name: 'brokkr-task', value: 'invoice.pdf', redacted: false },
      { name: 'brokkr-at', value: String(at(-1_134)), redacted: false },
      { name: 'brokkr-dead-by', value: 'pdf-2', redacted: false },
      { name: 'tenant', value: 'acme', redacted: false },
      { name: 'auth', value: '•••', redacted: true },
    ],
    body: { text: BODY, bytes: 214, form: 'json', truncated: false, redacted: 2 },
  };
}
