import { randomUUID } from 'node:crypto';
import { BrokerUnavailableError, type Delivery, type Settlement, type Subscription } from '@brokkr/core';
import { batches, LARGEST_BATCH } from './batches.ts';
import type { Connection, Reply } from './connection.ts';
import { delayMs } from './delay.ts';
import type { Doorbell } from './doorbell.ts';
import { decodeEnvelope, encodeEnvelope } from './envelope-codec.ts';
import { acknowledge } from './scripts/acknowledge.ts';
import { claim } from './scripts/claim.ts';
import { extend } from './scripts/extend.ts';
import type { Script } from './scripts/script.ts';
import { settle } from './scripts/settle.ts';

/** An idle consumer looks this often although nobody rang: it is everybody's reaper, and a ring can be lost. */
const LOOK_EVERY_MS = 5_000;

export interface RedisSubscriptionOptions {
  readonly queue: string;
  /** Prefix of the queue's keys. */
  readonly key: string;
  readonly connection: Connection;
  readonly doorbell: Doorbell;
  readonly leaseMs: number;
  readonly workerId: string;
  /** How long a call waits for a server that is away. */
  readonly patienceMs: number;
  readonly onClose: () => void;
}

export class RedisSubscription implements Subscription {
  readonly #options: RedisSubscriptionOptions;
  readonly #consumer = randomUUID();
  readonly #closing = new AbortController();
  /** Number of the claim under way; one whose answer was lost is asked for again by the same number. */
  #call = 1;

  constructor(options: RedisSubscriptionOptions) {
    this.#options = options;
  }

  async receive(
    limit: number,
    { signal, wait }: { readonly signal: AbortSignal; readonly wait: boolean },
  ): Promise<readonly Delivery[]> {
    for (;;) {
      if (signal.aborted || this.#closing.signal.aborted) return [];
      const claimed = await this.#claim(Math.min(limit, LARGEST_BATCH), signal);
      if (claimed === undefined) return [];
      const { deliveries, nextEventMs } = claimed;
      if (signal.aborted || this.#closing.signal.aborted) {
        await this.settle(deliveries.map((delivery) => ({ kind: 'release', delivery })));
        return [];
      }
      if (deliveries.length > 0 || !wait) return deliveries;
      const jittered = LOOK_EVERY_MS * (0.8 + 0.4 * Math.random());
      await this.#options.doorbell.wait(nextEventMs < 0 ? jittered : Math.min(nextEventMs, jittered), signal);
    }
  }

  async settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    const done: Delivery[] = [];
    const others: Settlement[] = [];
    for (const settlement of settlements) {
      if (settlement.kind === 'ack') done.push(settlement.delivery);
      else others.push(settlement);
    }
    const lost = await Promise.all([
      ...batches(done).map((part) => this.#acknowledge(part)),
      ...batches(others).map((part) => this.#settle(part)),
    ]);
    return lost.length === 1 ? (lost[0] as readonly Delivery[]) : lost.flat();
  }

  async extend(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    const lost = await Promise.all(
      batches(deliveries).map(async (part) =>
        pick(part, await this.#run(extend, [String(this.#options.leaseMs), ...receipts(part)])),
      ),
    );
    return lost.flat();
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#options.doorbell.close();
    this.#options.onClose();
  }

  /** `undefined` where the wait for a server that is away was aborted. */
  async #claim(
    limit: number,
    signal: AbortSignal,
  ): Promise<{ deliveries: readonly Delivery[]; nextEventMs: number } | undefined> {
    const { connection, key, queue, leaseMs, workerId, patienceMs } = this.#options;
    const args = [String(limit), String(leaseMs), workerId, this.#consumer, String(this.#call)];
    let reply: Reply;
    try {
      reply = await connection.run(claim, key, args, { patienceMs, signal });
    } catch (error) {
      if (signal.aborted || this.#closing.signal.aborted) return undefined;
      throw error;
    }
    this.#call++;
    const answer = reply as readonly (number | Buffer)[];
    const deliveries: Delivery[] = [];
    for (let at = 1; at < answer.length; at += 4) {
      const envelope = decodeEnvelope(String(answer[at]), queue, answer[at + 3] as Buffer);
      deliveries.push({ envelope, fence: answer[at + 1] as number, crashes: answer[at + 2] as number });
    }
    return { deliveries, nextEventMs: answer[0] as number };
  }

  async #acknowledge(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    return pick(deliveries, await this.#end(acknowledge, receipts(deliveries)));
  }

  async #settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    const args: (string | Buffer)[] = [];
    for (const settlement of settlements) {
      const { kind, delivery } = settlement;
      const replacement = 'replacement' in settlement ? settlement.replacement : undefined;
      args.push(kind, delivery.envelope.id, String(delivery.fence));
      args.push(replacement === undefined ? '' : encodeEnvelope(replacement), String(delayMs(replacement?.notBefore)));
    }
    return pick(
      settlements.map(({ delivery }) => delivery),
      await this.#end(settle, args),
    );
  }

  /**
   * What of a settlement was lost. Where the connection broke meanwhile, the client may have sent it twice, and what
   * the first did looks lost to the second: then the answer tells nothing.
   */
  async #end(script: Script, args: readonly (string | Buffer)[]): Promise<Reply> {
    const { connection } = this.#options;
    const { breaks } = connection;
    const lost = (await this.#run(script, args)) as readonly number[];
    if (lost.length === 0 || connection.breaks === breaks) return lost;
    throw new BrokerUnavailableError('the connection to Redis broke while this was settled');
  }

  #run(script: Script, args: readonly (string | Buffer)[]): Promise<Reply> {
    const { connection, key, patienceMs } = this.#options;
    return connection.run(script, key, args, { patienceMs });
  }
}

function receipts(deliveries: readonly Delivery[]): string[] {
  const args: string[] = [];
  for (const { envelope, fence } of deliveries) args.push(envelope.id, String(fence));
  return args;
}

/** Those whose numbers, from 1, a script answered. */
function pick(deliveries: readonly Delivery[], numbers: Reply): readonly Delivery[] {
  return (numbers as readonly number[]).map((number) => deliveries[number - 1] as Delivery);
}
