import { createHash } from 'node:crypto';
import type { Envelope } from '../broker/envelope.ts';
import { JOIN_HEADER } from '../broker/headers.ts';
import type { RecordChange } from '../broker/record-store.ts';

/** How a message is joined with others by a store: a header of the message. */
export interface JoinMark {
  /**
   * `unique`, `waiting`: the message owns a key. `debounce`: the newest arguments are in the store, and the message does not
   * run as it is. `taken`: the message carries the arguments of the revision `rev`.
   */
  readonly kind: 'unique' | 'waiting' | 'debounce' | 'taken';
  /** Digest of its key. */
  readonly digest: string;
  /** Number of the debounced message among those of its key. */
  readonly seq: number;
  readonly rev: string;
}

const MARK = /^(unique|waiting|debounce|taken) ([0-9a-f]{64})(?: (\d{1,15}) (\S{0,40}))?$/;

/** Reads the mark of a message; `undefined` if it has none, or another program wrote it. */
export function readMark({ headers }: Envelope): JoinMark | undefined {
  const [, kind, digest, seq = '0', rev = ''] = MARK.exec(headers[JOIN_HEADER] ?? '') ?? [];
  if (kind === undefined || digest === undefined) return undefined;
  return { kind: kind as JoinMark['kind'], digest, seq: Number(seq), rev };
}

/** Whether the store has to be asked before a message runs. Called for each run. */
export function needsAdmission({ headers }: Envelope): boolean {
  const mark = headers[JOIN_HEADER];
  return mark !== undefined && !mark.startsWith('unique ');
}

/**
 * Whether a message is only a place for the newest arguments in the store: it does not run before it is stored again with
 * them, so it needs no permit of a limit.
 */
export function isPlaceholder(envelope: Envelope): boolean {
  // The header of any other program is checked whole: no part of it lets a message run without its permits.
  return JOIN_HEADER in envelope.headers && readMark(envelope)?.kind === 'debounce';
}

/** The envelope with a mark. */
export function withMark(envelope: Envelope, { kind, digest, seq, rev }: JoinMark): Envelope {
  const owns = kind === 'unique' || kind === 'waiting';
  const value = owns ? `${kind} ${digest}` : `${kind} ${digest} ${seq} ${rev}`;
  return { ...envelope, headers: { ...envelope.headers, [JOIN_HEADER]: value } };
}

/** Digest of a key, within a queue and an option. */
export function joinDigest(option: string, queue: string, key: string): string {
  return createHash('sha256').update(`${option}\n${queue}\n${key}`).digest('hex');
}

/** Name of the record of a key. */
export function joinRecord(digest: string): string {
  return `join:${digest}`;
}

/** The newest arguments of a debounced key, and the message that will carry them. */
export interface Debounced {
  readonly marker: string;
  readonly seq: number;
  /** Changes with each send. */
  readonly rev: string;
  /** When the first message of the key was sent, and when the newest is due: epoch milliseconds. */
  readonly first: number;
  readonly due: number;
  /** How long the newest waits, in milliseconds: no worker waits longer, whatever the clock of the sender was. */
  readonly waitMs: number;
  /** When the message that will carry it is delivered next. */
  readonly next: number;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** How long after it is due it may start, in milliseconds; `undefined`: at any time. */
  readonly expiresInMs: number | undefined;
  /** Whether the message that will carry it is stored. Until then other senders wait. */
  readonly isStored: boolean;
}

/** What the record of a debounced key holds. */
export interface DebounceRecord {
  readonly current: Debounced | undefined;
  /** Highest number of a message of the key whose arguments were taken. */
  readonly ran: number;
  /** The revision, to compare with at the next change. */
  readonly rev: Uint8Array | undefined;
}

/** Field of a record whose message is stored. */
export const STORED = 'stored';

/** Fields of a debounced message that are removed when its arguments are taken, or its message could not be stored. */
export const DEBOUNCED_FIELDS = [
  'marker',
  'seq',
  'rev',
  'first',
  'due',
  'wait',
  'next',
  'body',
  'head',
  STORED,
] as const;

/**
 * The change that takes the arguments of a debounced message out of the store.
 * @param rev as it was read: if the arguments are no longer the newest, nothing changes
 */
export function takenChange({ digest, seq }: JoinMark, rev: DebounceRecord['rev'], ttlMs: number): RecordChange {
  const expect = new Map([['rev', rev]]);
  const set = new Map([['ran', Buffer.from(String(seq))]]);
  return { key: joinRecord(digest), expect, set, remove: DEBOUNCED_FIELDS, ttlMs };
}

export function debouncedFields(one: Debounced): Map<string, Uint8Array> {
  const texts = {
    marker: one.marker,
    seq: String(one.seq),
    rev: one.rev,
    first: String(one.first),
    due: String(one.due),
    wait: String(one.waitMs),
    next: String(one.next),
    head: JSON.stringify({ headers: one.headers, expiresInMs: one.expiresInMs }),
  };
  const fields = new Map<string, Uint8Array>(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]));
  return fields.set('body', one.body);
}

/** Reads the record of a debounced key. Any program may write to the store: what is not ours counts as absent. */
export function readDebounced(fields: ReadonlyMap<string, Uint8Array>): DebounceRecord {
  const text = (name: string) => Buffer.from(fields.get(name) ?? []).toString();
  const whole = (name: string) => (/^\d{1,15}$/.test(text(name)) ? Number(text(name)) : undefined);
  const [seq, first, due, body, head] = [
    whole('seq'),
    whole('first'),
    whole('due'),
    fields.get('body'),
    headOf(text('head')),
  ];
  const waitMs = whole('wait') ?? Number.POSITIVE_INFINITY;
  const isThere =
    seq !== undefined && first !== undefined && due !== undefined && body !== undefined && head !== undefined;
  const next = whole('next') ?? due ?? 0;
  const isStored = fields.has(STORED);
  return {
    current: isThere
      ? { marker: text('marker'), seq, rev: text('rev'), first, due, waitMs, next, body, isStored, ...head }
      : undefined,
    ran: whole('ran') ?? 0,
    rev: fields.get('rev'),
  };
}

function headOf(json: string): Pick<Debounced, 'headers' | 'expiresInMs'> | undefined {
  try {
    const { headers, expiresInMs } = JSON.parse(json) as Record<string, unknown>;
    if (typeof headers !== 'object' || headers === null) return undefined;
    if (!Object.values(headers).every((value) => typeof value === 'string')) return undefined;
    return {
      headers: headers as Record<string, string>,
      expiresInMs: typeof expiresInMs === 'number' ? expiresInMs : undefined,
    };
  } catch {
    return undefined;
  }
}
