// @ts-check
// JavaScript, because a thread of Node 20 cannot load TypeScript when the sources are tested.
import { Cluster, Redis } from 'ioredis';

/** Deliveries, or slots of limits, in one call. */
const CHUNK = 500;
const RETRY_MS = 100;

/**
 * @typedef {{ bytes: number, textAt: number, slots: number }} Layout
 * @typedef {{ owner: number, text: string, number: number, until: number }} Entry
 * @typedef {{ leases: SharedArrayBuffer }} LeaseMemory
 * @typedef {{ permits: SharedArrayBuffer }} PermitMemory
 * @typedef {{ subscription: number, key: string, leaseMs: number }} Subscription
 * @typedef {object} Data
 * @property {import('./thread-target.ts').ThreadTarget} target
 * @property {{ extend: string, renewPermits: string }} scripts texts of the scripts
 * @property {{ leases: Layout, permits: Layout }} layouts
 * @property {readonly (LeaseMemory | PermitMemory | Subscription)[]} messages received before this module was opened, and from
 * then on
 */

/**
 * Renews what a process holds whose event loop is blocked: leases of messages, and slots of limits.
 * @param {Data} data
 */
export function open({ target, scripts, layouts, messages }) {
  /** @type {import('ioredis').Redis | import('ioredis').Cluster | undefined} */
  let client;
  return {
    /**
     * Renews the leases of all runs that are within their time, and of messages that wait beside them, and the slots of these
     * runs.
     * @param {number} now
     */
    async renew(now) {
      const leases = leaseCalls(scripts.extend, messages, layouts.leases, now);
      const calls = [...leases, ...permitCalls(scripts.renewPermits, messages, layouts.permits, now)];
      if (calls.length === 0) return;
      client ??= connect(target);
      const connected = client;
      await Promise.all(calls.map((args) => connected.call('EVAL', ...args)));
    },
    close() {
      client?.disconnect();
    },
  };
}

/** @param {import('./thread-target.ts').ThreadTarget} target */
function connect(target) {
  const retry = () => RETRY_MS;
  if ('nodes' in target) {
    target.options.clusterRetryStrategy = retry;
    return silent(new Cluster(/** @type {import('ioredis').ClusterNode[]} */ (target.nodes), target.options));
  }
  target.options.retryStrategy = retry;
  target.options.sentinelRetryStrategy = retry;
  return silent(new Redis(target.options));
}

/**
 * Calls that fail report the error. Without a listener, the client would print it.
 * @template {import('ioredis').Redis | import('ioredis').Cluster} C
 * @param {C} client
 */
function silent(client) {
  client.on('error', () => undefined);
  return client;
}

/**
 * The arguments of the calls that renew leases.
 * @param {string} script
 * @param {Data['messages']} messages
 * @param {Layout} layout
 * @param {number} now
 */
function leaseCalls(script, messages, layout, now) {
  const all = messages.flatMap((message) => ('leases' in message ? entriesOf(message.leases, layout) : []));
  // Messages that wait have no time limit of their own. They are kept while one that runs is within its time.
  if (!all.some(({ until }) => until > now)) return [];
  return messages.flatMap((message) => {
    if (!('subscription' in message)) return [];
    const mine = all.filter(({ owner, until }) => owner === message.subscription && (until === 0 || until > now));
    return chunks(mine).map((part) => [
      script,
      '1',
      message.key,
      String(message.leaseMs),
      ...part.flatMap(({ text, number }) => [text, String(number)]),
    ]);
  });
}

/**
 * The arguments of the calls that renew slots of limits, key by key: on a cluster each may be on another node.
 * @param {string} script
 * @param {Data['messages']} messages
 * @param {Layout} layout
 * @param {number} now
 */
function permitCalls(script, messages, layout, now) {
  /** @type {Map<string, Entry[]>} */
  const keys = new Map();
  for (const message of messages) {
    if (!('permits' in message)) continue;
    for (const entry of entriesOf(message.permits, layout)) {
      if (entry.until <= now) continue;
      const key = entry.text.slice(0, entry.owner);
      const known = keys.get(key);
      if (known === undefined) keys.set(key, [entry]);
      else known.push(entry);
    }
  }
  return [...keys].flatMap(([key, entries]) =>
    chunks(entries).map((part) => {
      const leaseMs = Math.min(...part.map(({ number }) => number));
      return [script, '1', key, String(leaseMs), ...part.flatMap(({ text, owner }) => ['1', text.slice(owner)])];
    }),
  );
}

/**
 * @template T
 * @param {readonly T[]} items
 */
function chunks(items) {
  const parts = [];
  for (let from = 0; from < items.length; from += CHUNK) parts.push(items.slice(from, from + CHUNK));
  return parts;
}

/**
 * The entries of `SharedSlots`.
 * @param {SharedArrayBuffer} shared
 * @param {Layout} layout
 */
function entriesOf(shared, layout) {
  const words = new Int32Array(shared);
  const doubles = new Float64Array(shared);
  const bytes = Buffer.from(shared);
  /** @type {Entry[]} */
  const found = [];
  for (let at = 0; at < layout.slots * layout.bytes; at += layout.bytes) {
    const owner = words[at / 4] ?? 0;
    if (owner === 0) continue;
    const start = at + layout.textAt;
    found.push({
      owner: owner - 1,
      text: bytes.toString('utf8', start, start + (words[at / 4 + 1] ?? 0)),
      number: doubles[at / 8 + 1] ?? 0,
      until: doubles[at / 8 + 2] ?? 0,
    });
  }
  return found;
}
