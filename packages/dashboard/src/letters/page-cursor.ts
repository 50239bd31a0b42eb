import { badRequest } from '../http/api-error.ts';

/** Where a list goes on: after a message of a page of the broker. */
export interface PageCursor {
  /** The cursor of that page; left out for the first one. */
  readonly page?: string;
  /** The last message of that page that was looked at, and how many were before it. */
  readonly id?: string;
  readonly skip?: number;
}

const LONGEST = 1_024;
const LONGEST_ID = 500;

export function formatCursor({ page, id, skip }: PageCursor): string {
  return Buffer.from(JSON.stringify([page ?? null, id ?? null, skip ?? 0])).toString('base64url');
}

/** @throws ApiError 400 if it is not the `next` of a list */
export function readCursor(after: string | undefined): PageCursor {
  if (after === undefined) return {};
  const parsed = after.length <= LONGEST ? parse(after) : undefined;
  if (!Array.isArray(parsed) || parsed.length !== 3) throw invalid();
  const [page, id, skip] = parsed as readonly unknown[];
  const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= LONGEST_ID;
  if ((page !== null && !isText(page)) || (id !== null && !isText(id))) throw invalid();
  if (typeof skip !== 'number' || !Number.isInteger(skip) || skip < 0 || skip > 500) throw invalid();
  return { ...(page !== null && { page }), ...(id !== null && { id, skip }) };
}

function parse(after: string): unknown {
  try {
    return JSON.parse(Buffer.from(after, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

function invalid() {
  return badRequest('after must be the `next` of the page before');
}
