import { BrokerUnavailableError } from '@brokkr/core/adapter';

/** The words of Redis for the types in our scripts. */
const NAMES: Readonly<Record<string, string>> = {
  list: 'a list',
  zset: 'a sorted set',
  hash: 'a hash',
  set: 'a set',
  stream: 'a stream',
  string: 'a string',
  number: 'a whole number',
};

/** The keys that `brokkr doctor --repair` looks at: those of queues, and the list of queues. */
const REPAIRED = /:\{[^{}]*\}:|:queues$/;
/** Shared keys that it only renames: nothing is put into line. */
const RENAMED = /:(?:state|limits)$/;

const REPLY = /^SPOILED (\w+) (\w+) (\S+)/;

/** A key of ours that another client has overwritten. */
export interface SpoiledKey {
  readonly key: string;
  /** Type that Brokkr keeps there: `list`, `zset`, `hash`, `set`, `string` or `number`. */
  readonly expected: string;
  /** Type that is there. */
  readonly found: string;
}

/** Reads the error with which a script refuses a spoiled key; `undefined` for any other error. */
export function readSpoiledKey(message: string): SpoiledKey | undefined {
  const [, expected, found, key] = REPLY.exec(message) ?? [];
  return expected === undefined || found === undefined || key === undefined ? undefined : { key, expected, found };
}

/** The problem and its remedy in one line, for errors and for `brokkr doctor`. */
export function describeSpoiledKey({ key, expected, found }: SpoiledKey): string {
  const there = expected === 'number' ? `${named(found)} that is not a whole number` : named(found);
  const remedy = REPAIRED.test(key)
    ? 'Run "brokkr doctor --repair": it renames the key and puts messages back in line'
    : RENAMED.test(key)
      ? 'Run "brokkr doctor --repair": it renames the key'
      : 'Rename or delete the key';
  return `the Redis key ${key.slice(0, 300)} holds ${there}, written by another client; Brokkr keeps ${named(expected)} there. Nothing was changed. ${remedy}`;
}

export function spoiledKeyError(spoiled: SpoiledKey, cause: unknown): BrokerUnavailableError {
  return new BrokerUnavailableError(describeSpoiledKey(spoiled), { code: 'KEY_SPOILED', cause });
}

function named(type: string): string {
  return NAMES[type] ?? `a value of type ${type}`;
}
