import { checkQueueName, delayUntil, type Envelope, type PublishReceipt } from '@brokkr/core/adapter';
import { failpoint } from '@brokkr/core/failpoints';
import { batches } from '../batches.ts';
import { encodeEnvelope } from '../envelope-codec.ts';
import { keyDigest } from '../key-digest.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { append } from '../scripts/append.ts';
import { collapse } from '../scripts/collapse.ts';
import { publish } from '../scripts/publish.ts';
import { collapseArguments, collapseReceipts } from './collapsed-messages.ts';
import { contended, IdempotencySlots, type Routed } from './idempotency-slots.ts';
import { QueueRegister } from './queue-register.ts';

/** A key that has left its queue between two calls is routed again: so often in one call, then sending fails. */
const MOST_REFUSALS = 1_000;

/** Stores messages: one script call for each queue and 500 messages. */
export class RedisPublisher {
  readonly #calls: QueueCalls;
  readonly #slots: IdempotencySlots;
  readonly #register: QueueRegister;

  /** @param keyTtlMs how long an idempotency key is remembered, in milliseconds, if its message does not set it */
  constructor(calls: QueueCalls, keyTtlMs: number) {
    this.#calls = calls;
    this.#slots = new IdempotencySlots(calls, keyTtlMs);
    this.#register = new QueueRegister(calls);
  }

  /** @throws BrokerUnavailableError if Redis is unreachable for too long, full (`BROKER_FULL`) or closed */
  async publish(given: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    // All names first: a batch with an invalid queue name stores nothing.
    for (const { queue } of given) if (!this.#register.has(queue)) checkQueueName(queue);
    const envelopes = await this.#calls.serverClock.allToServer(given);
    if (envelopes.every(isUnkeyed)) return this.#publishAll(envelopes);
    const joined = envelopes.filter(({ collapse: of }) => of !== undefined);
    if (joined.length === 0) return this.#publishKeyed(envelopes);
    const others = envelopes.filter(({ collapse: of }) => of === undefined);
    const [first, second] = await Promise.all([this.#publishCollapsed(joined), this.#publishKeyed(others)]);
    const receipts = new Map([...zip(joined, first), ...zip(others, second)]);
    return envelopes.map((envelope) => receipts.get(envelope) as PublishReceipt);
  }

  async #publishKeyed(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    const receipts = new Map<Envelope, PublishReceipt>();
    for (let pending = envelopes, refusals = 0; pending.length > 0; ) {
      const turn = oneQueueAKey(pending);
      const routed = await this.#slots.route(turn);
      failpoint('enqueue.after-key-before-publish');
      for (const [envelope, receipt] of routed.receipts) receipts.set(envelope, receipt);
      const routable = turn.filter((envelope) => !routed.receipts.has(envelope));
      const answers = await this.#publishAll(routable, routed);
      const stored = routable.filter((_, index) => answers[index]?.isNew);
      for (const [index, envelope] of routable.entries()) {
        const receipt = answers[index] as PublishReceipt;
        if (receipt.id !== '') receipts.set(envelope, receipt);
        else if (++refusals > MOST_REFUSALS) throw contended(envelope.queue);
      }
      await this.#slots.renew(routed, stored);
      pending = pending.filter((envelope) => !receipts.has(envelope));
    }
    return envelopes.map((envelope) => receipts.get(envelope) as PublishReceipt);
  }

  /** Stores messages that may be joined with others of the same key. */
  async #publishCollapsed(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    const receipts = new Map<Envelope, PublishReceipt>();
    await Promise.all(
      batches(envelopes)
        .flatMap(byQueue)
        .map(async (batch) => {
          const { queue } = batch[0] as Envelope;
          const isDue = this.#register.isDue(queue);
          if (isDue) await this.#register.add(queue);
          const answer = await this.#calls.run(collapse, queue, collapseArguments(batch));
          const [isFirst, ...joined] = answer as readonly (number | Buffer)[];
          if (isFirst === 1 && !isDue) await this.#register.restore(queue);
          for (const [envelope, receipt] of zip(batch, collapseReceipts(batch, joined)))
            receipts.set(envelope, receipt);
        }),
    );
    return envelopes.map((envelope) => receipts.get(envelope) as PublishReceipt);
  }

  async #publishAll(envelopes: readonly Envelope[], routed?: Routed): Promise<readonly PublishReceipt[]> {
    const calls = batches(envelopes).flatMap(byQueue);
    if (calls.length <= 1) return this.#publish(envelopes, routed);
    const receipts = new Map<Envelope, PublishReceipt>();
    await Promise.all(
      calls.map(async (batch) => {
        const answers = await this.#publish(batch, routed);
        for (const [index, envelope] of batch.entries()) receipts.set(envelope, answers[index] as PublishReceipt);
      }),
    );
    return envelopes.map((envelope) => receipts.get(envelope) as PublishReceipt);
  }

  /** Stores messages of one queue, few enough for one script call. */
  async #publish(envelopes: readonly Envelope[], routed?: Routed): Promise<PublishReceipt[]> {
    const queue = envelopes[0]?.queue;
    if (queue === undefined) return [];
    // Before the first message of a queue: no tool looks for messages of a queue that is not on the list.
    const isDue = this.#register.isDue(queue);
    if (isDue) await this.#register.add(queue);
    const [isFirst, ...known] = envelopes.every(isPlain)
      ? [await this.#calls.run(append, queue, { messages: envelopes })]
      : ((await this.#calls.run(publish, queue, this.#argumentsFor(envelopes, routed))) as readonly (
          | number
          | Buffer
        )[]);
    if (isFirst === 1 && !isDue) await this.#register.restore(queue);
    const receipts = envelopes.map(({ id }): PublishReceipt => ({ id, isNew: true }));
    for (let at = 0; at < known.length; at += 2) {
      receipts[(known[at] as number) - 1] = { id: String(known[at + 1]), isNew: false };
    }
    return receipts;
  }

  #argumentsFor(envelopes: readonly Envelope[], routed: Routed | undefined): (string | Buffer)[] {
    const args: (string | Buffer)[] = [];
    const now = Date.now();
    for (const envelope of envelopes) {
      const { idempotencyKey } = envelope;
      args.push(envelope.id, encodeEnvelope(envelope), String(delayUntil(envelope.notBefore, now)));
      args.push(idempotencyKey === undefined ? '' : keyDigest(idempotencyKey), this.#slots.lifeOf(envelope));
      args.push(routed?.slots.get(envelope)?.generation ?? '0');
    }
    return args;
  }
}

/** Whether a message has no key that an earlier message may have. */
function isUnkeyed({ idempotencyKey, collapse: of }: Envelope): boolean {
  return idempotencyKey === undefined && of === undefined;
}

function zip(
  envelopes: readonly Envelope[],
  receipts: readonly PublishReceipt[],
): readonly (readonly [Envelope, PublishReceipt])[] {
  return envelopes.map((envelope, index) => [envelope, receipts[index] as PublishReceipt]);
}

/** Whether a message is ready immediately, and independent of earlier ones. */
function isPlain({ notBefore, idempotencyKey }: Envelope): boolean {
  return notBefore === undefined && idempotencyKey === undefined;
}

/** The messages without those whose key an earlier one has for another queue: they wait until that one is stored. */
function oneQueueAKey(envelopes: readonly Envelope[]): readonly Envelope[] {
  const queues = new Map<string, string>();
  return envelopes.filter(({ queue, idempotencyKey }) => {
    if (idempotencyKey === undefined) return true;
    const first = queues.get(idempotencyKey);
    if (first === undefined) queues.set(idempotencyKey, queue);
    return first === undefined || first === queue;
  });
}

/** One list for each queue; the list itself if there is only one queue. */
function byQueue(envelopes: readonly Envelope[]): (readonly Envelope[])[] {
  const first = envelopes[0]?.queue;
  if (envelopes.every(({ queue }) => queue === first)) return [envelopes];
  const queues = new Map<string, Envelope[]>();
  for (const envelope of envelopes) {
    const batch = queues.get(envelope.queue);
    if (batch === undefined) queues.set(envelope.queue, [envelope]);
    else batch.push(envelope);
  }
  return [...queues.values()];
}
