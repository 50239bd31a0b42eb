// @ts-check
// JavaScript, because a thread of Node 20 cannot load TypeScript when the sources are tested.
import { Cluster, Redis } from 'ioredis';

/** Deliveries in one call. */
const CHUNK = 500;
const RETRY_MS = 100;

/**
 * @typedef {{ bytes: number, idAt: number, slots: number }} Layout
 * @typedef {{ words: Int32Array, doubles: Float64Array, bytes: Buffer }} Memory
 * @typedef {{ grown: SharedArrayBuffer } | { subscription: number, key: string, leaseMs: number }} Message
 * @typedef {object} Data
 * @property {import('./thread-target.ts').ThreadTarget} target
 * @property {string} script text of the script that renews leases
 * @property {Layout} layout
 * @property {readonly Message[]} messages received before this module was opened, and from then on
 */

/**
 * Renews the leases of a process whose event loop is blocked.
 * @param {Data} data
 */
export function open({ target, script, layout, messages }) {
  const client = connect(target);
  client.on('error', () => undefined);
  return {
    /**
     * Renews the leases of all runs that are within their time, and of messages that wait beside them.
     * @param {number} now
     */
    async renew(now) {
      const held = heldLeases(messages, layout, now);
      /** @type {Promise<unknown>[]} */
      const calls = [];
      for (const { key, leaseMs, receipts } of held) {
        for (let from = 0; from < receipts.length; from += 2 * CHUNK) {
          const part = receipts.slice(from, from + 2 * CHUNK);
          calls.push(client.call('EVAL', script, '1', key, String(leaseMs), ...part));
        }
      }
      await Promise.all(calls);
    },
    close() {
      client.disconnect();
    },
  };
}

/** @param {import('./thread-target.ts').ThreadTarget} target */
function connect(target) {
  const retry = () => RETRY_MS;
  if ('nodes' in target) {
    target.options.clusterRetryStrategy = retry;
    return new Cluster(/** @type {import('ioredis').ClusterNode[]} */ (target.nodes), target.options);
  }
  target.options.retryStrategy = retry;
  target.options.sentinelRetryStrategy = retry;
  return new Redis(target.options);
}

/**
 * @param {readonly Message[]} messages
 * @param {Layout} layout
 * @param {number} now
 */
function heldLeases(messages, layout, now) {
  /** @type {Map<number, { key: string, leaseMs: number, receipts: string[] }>} */
  const subscriptions = new Map();
  /** @type {Memory[]} */
  const memories = [];
  for (const message of messages) {
    if ('grown' in message) memories.push(memoryOf(message.grown));
    else subscriptions.set(message.subscription, { ...message, receipts: [] });
  }
  const all = memories.flatMap((memory) => slotsOf(memory, layout));
  // Messages that wait have no time limit of their own. They are kept while one that runs is within its time.
  if (!all.some(({ until }) => until > now)) return [];
  for (const { subscription, id, fence, until } of all) {
    if (until === 0 || until > now) subscriptions.get(subscription)?.receipts.push(id, String(fence));
  }
  return [...subscriptions.values()];
}

/**
 * @param {SharedArrayBuffer} shared
 * @returns {Memory}
 */
function memoryOf(shared) {
  return { words: new Int32Array(shared), doubles: new Float64Array(shared), bytes: Buffer.from(shared) };
}

/**
 * @param {Memory} memory
 * @param {Layout} layout
 */
function slotsOf({ words, doubles, bytes }, layout) {
  const found = [];
  for (let at = 0; at < layout.slots * layout.bytes; at += layout.bytes) {
    const owner = words[at / 4] ?? 0;
    if (owner === 0) continue;
    const start = at + layout.idAt;
    found.push({
      subscription: owner - 1,
      id: bytes.toString('utf8', start, start + (words[at / 4 + 1] ?? 0)),
      fence: doubles[at / 8 + 1] ?? 0,
      until: doubles[at / 8 + 2] ?? 0,
    });
  }
  return found;
}
