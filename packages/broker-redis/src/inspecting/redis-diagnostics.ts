import type { Diagnostics, Finding, Repair } from '@brokkr/core/adapter';
import { batches, LARGEST_BATCH } from '../batches.ts';
import { type Client, isCluster } from '../connection/connect.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { describeSpoiledKey, type SpoiledKey } from '../scripts/spoiled-key.ts';
import { survey } from '../scripts/survey.ts';
import { isQueueName, queueNames } from './queue-names.ts';
import { QueueRepair } from './queue-repair.ts';

type Surveyed = readonly [spoiled: readonly Buffer[], stranded: number, unlisted: number, missing: number];

/** Names in an error are foreign: only so many of them, and only so long. */
const SHOWN_NAMES = 5;

/** Finds and undoes damage of other clients. `examine` judges the server itself. */
export class RedisDiagnostics implements Diagnostics {
  readonly #calls: QueueCalls;
  readonly #examine: () => Promise<readonly Finding[]>;

  constructor(calls: QueueCalls, examine: () => Promise<readonly Finding[]>) {
    this.#calls = calls;
    this.#examine = examine;
  }

  async diagnose(): Promise<readonly Finding[]> {
    const findings = [...(await this.#examine())];
    // A server that must not be used would refuse every further call.
    if (findings.some(({ severity }) => severity === 'error')) return findings;
    const spoiled = await this.#spoiledGlobals();
    findings.push(...spoiled.map(finding));
    // Without the list of queues, none can be looked at.
    if (spoiled.some(({ key }) => key === this.#calls.keys.queues)) return findings;
    const { valid, invalid } = await queueNames(this.#calls);
    if (invalid.length > 0) findings.push(junkNames(this.#calls.keys.queues, invalid));
    for (const part of batches(valid)) {
      const surveyed = await Promise.all(part.map(async (queue) => ({ queue, is: await this.#survey(queue) })));
      for (const { queue, is } of surveyed) findings.push(...queueFindings(queue, is));
    }
    return findings;
  }

  async repair(): Promise<readonly Repair[]> {
    const repairs = await this.#moveGlobalsAway();
    const queues = new Set((await queueNames(this.#calls)).valid);
    for (const queue of await this.#unlistedQueues()) {
      if (queues.has(queue)) continue;
      await this.#calls.call((client) => client.sadd(this.#calls.keys.queues, queue));
      queues.add(queue);
      const message = `queue ${queue} was put back on the list of queues`;
      repairs.push({ code: 'QUEUE_UNLISTED', queue, count: 1, message });
    }
    for (const queue of queues) repairs.push(...(await new QueueRepair(this.#calls, queue).run()));
    return repairs;
  }

  async #survey(queue: string): Promise<Surveyed> {
    return (await this.#calls.run(survey, queue)) as unknown as Surveyed;
  }

  async #spoiledGlobals(): Promise<readonly SpoiledKey[]> {
    const { queues, state, limits } = this.#calls.keys;
    const spoiled: SpoiledKey[] = [];
    for (const [key, expected] of [
      [queues, 'set'],
      [state, 'hash'],
      [limits, 'zset'],
    ] as const) {
      const found = await this.#calls.call((client) => client.type(key));
      if (found !== 'none' && found !== expected) spoiled.push({ key, expected, found });
    }
    return spoiled;
  }

  async #moveGlobalsAway(): Promise<Repair[]> {
    const repairs: Repair[] = [];
    for (const { key, found } of await this.#spoiledGlobals()) {
      const name = await this.#calls.call(async (client) => {
        // The hash tag keeps the new name on the node of the old one.
        const renamed = `${key}:spoiled:${Date.now()}:{${keyPrefixOf(client)}${key}}`;
        await client.rename(key, renamed);
        return renamed;
      });
      repairs.push({ code: 'KEY_SPOILED', count: 1, message: `a foreign ${found} was renamed to ${name}` });
    }
    return repairs;
  }

  /** Queues that have messages or letters, by their keys: the list of queues may have been lost. */
  #unlistedQueues(): Promise<ReadonlySet<string>> {
    return this.#calls.call(async (client) => {
      const start = keyPrefixOf(client) + this.#calls.keys.queue('').slice(0, -1);
      const found = new Set<string>();
      for (const node of isCluster(client) ? client.nodes('master') : [client]) {
        let cursor = '0';
        do {
          const [next, keys] = await node.scan(cursor, 'MATCH', `${start}*}:[ml]e*`, 'COUNT', LARGEST_BATCH);
          for (const key of keys) {
            const queue = key.slice(start.length, key.indexOf('}', start.length));
            if (isQueueName(queue)) found.add(queue);
          }
          cursor = next;
        } while (cursor !== '0');
      }
      return found;
    });
  }
}

/** The client puts it before every key that is sent, but not before patterns. */
function keyPrefixOf(client: Client): string {
  return client.options.keyPrefix ?? '';
}

function* queueFindings(queue: string, [spoiled, stranded, unlisted, missing]: Surveyed): Iterable<Finding> {
  for (let at = 0; at < spoiled.length; at += 3) {
    const [key, expected, found] = spoiled.slice(at, at + 3).map(String) as [string, string, string];
    yield finding({ key, expected, found });
  }
  if (stranded > 0) {
    const message = `queue ${queue}: ${stranded} messages are stored and in no line, so no worker gets them; another client changed the keys of this queue. Run "brokkr doctor --repair": it puts them back`;
    yield { severity: 'error', code: 'MESSAGES_STRANDED', message };
  }
  if (unlisted > 0) {
    const message = `queue ${queue}: ${unlisted} dead letters are stored and not on the list of the dead; another client changed the keys of this queue. Run "brokkr doctor --repair": it puts them back`;
    yield { severity: 'error', code: 'LETTERS_STRANDED', message };
  }
  if (missing > 0) {
    const message = `queue ${queue}: ${missing} dead letters have no content; another client changed the keys of this queue. Run "brokkr doctor --repair": it removes them from the list of the dead`;
    yield { severity: 'warning', code: 'LETTERS_MISSING', message };
  }
}

function finding(spoiled: SpoiledKey): Finding {
  return { severity: 'error', code: 'KEY_SPOILED', message: describeSpoiledKey(spoiled) };
}

function junkNames(key: string, names: readonly string[]): Finding {
  const shown = names.slice(0, SHOWN_NAMES).map((name) => JSON.stringify(name.slice(0, 80)));
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : '';
  const message = `the Redis set ${key} holds entries that are not queue names: ${shown.join(', ')}${more}; another client wrote them, and they are ignored. Remove them with SREM`;
  return { severity: 'warning', code: 'QUEUE_LIST_JUNK', message };
}
