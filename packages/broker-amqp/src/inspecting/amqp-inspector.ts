import { setTimeout as sleep } from 'node:timers/promises';
import {
  checkQueueName,
  type Envelope,
  type Inspector,
  type PeekState,
  type QueueCounts,
  redriveEnvelope,
} from '@brokkr/core/adapter';
import type { Channel, Message } from 'amqplib';
import { declarationError, NOT_FOUND, replyCode } from '../connection/amqp-errors.ts';
import { TOP_LEVEL } from '../topology/delay-ladder.ts';
import { decodeMessage } from '../publishing/envelope-codec.ts';
import type { Connection } from '../connection/connection.ts';
import type { Names } from '../topology/names.ts';
import type { Addresses } from '../publishing/addresses.ts';
import type { Publisher } from '../publishing/publisher.ts';
import type { Outcome } from '../publishing/send-batch.ts';
import { envelopeOf } from './envelope-of.ts';
import { findRungs } from './find-rungs.ts';
import { LookLock } from './look-lock.ts';
import { ROUND, QueueBrowser } from './queue-browser.ts';
import { withServerDeath } from './server-death.ts';

/** Dead letters that are moved or removed in one batch. */
const BATCH = 100;
/** Longest wait until messages of a look are back in their queue. */
const BACK_WITHIN_MS = 2_000;
const AGAIN_MS = 20;

export interface AmqpInspectorOptions {
  /** Names of the known queues. */
  readonly queues: () => readonly string[];
  readonly connection: Connection;
  /** Connection for publishing, which an alarm may block. Acknowledgements use the other one. */
  readonly publishing: Connection;
  readonly names: Names;
  readonly addresses: Addresses;
  readonly publisher: Publisher;
}

/** Shows and changes queues for tools. It needs no management plugin: it takes messages and returns them in order. */
export class AmqpInspector implements Inspector {
  readonly #options: AmqpInspectorOptions;
  readonly #lock: LookLock;

  constructor(options: AmqpInspectorOptions) {
    this.#options = options;
    this.#lock = new LookLock(options.connection);
  }

  async queues(): Promise<readonly string[]> {
    return this.#options.queues();
  }

  async counts(queue: string): Promise<QueueCounts> {
    checkQueueName(queue);
    const { names } = this.#options;
    const [ready, quarantined, dead, delayed] = await Promise.all([
      this.#count(names.queue(queue)),
      this.#count(names.quarantine(queue)),
      this.#countDead(names.dead(queue)),
      this.#countDelayed(queue),
    ]);
    const unknown = { running: undefined, published: undefined, acknowledged: undefined, discarded: undefined };
    return {
      ready: ready + quarantined,
      delayed,
      dead,
      ...unknown,
      purged: undefined,
      cancelled: undefined,
      expired: undefined,
    };
  }

  async peek(queue: string, state: PeekState, limit: number): Promise<readonly Envelope[]> {
    const seen: Envelope[] = [];
    for (const source of await this.#sources(queue, state)) {
      if (seen.length < limit) seen.push(...(await this.#look(source, queue, limit - seen.length)));
    }
    return seen;
  }

  async take(queue: string, limit: number, move: (envelopes: readonly Envelope[]) => Promise<void>): Promise<number> {
    let taken = 0;
    for (const source of [...(await this.#sources(queue, 'ready')), ...(await this.#sources(queue, 'delayed'))]) {
      const there = Math.min(limit - taken, await this.#count(source));
      if (there <= 0) continue;
      taken += await this.#takingAlone(source, async (taking) => {
        for (let moved = 0; ; ) {
          const messages = await taking.next(there - moved);
          if (messages.length === 0) return moved;
          try {
            await move(messages.map((message) => envelopeOf(message, queue)));
          } catch (error) {
            if (source === this.#options.names.quarantine(queue)) await this.#replace(taking, messages, queue);
            throw error;
          }
          await taking.ack(messages);
          moved += messages.length;
          if (moved >= there) return moved;
        }
      });
    }
    return taken;
  }

  redrive(queue: string, ids: readonly string[] | 'all'): Promise<number> {
    const { publisher, addresses } = this.#options;
    return this.#withDead(queue, ids, (letters) =>
      publisher.send(
        letters.map((letter) => addresses.queue(redriveEnvelope(envelopeOf(letter, queue), queue, Date.now()))),
      ),
    );
  }

  discard(queue: string, ids: readonly string[] | 'all'): Promise<number> {
    return this.#withDead(queue, ids, async () => []);
  }

  async purge(queue: string): Promise<number> {
    let purged = 0;
    for (const source of await this.#sources(queue, 'ready')) {
      const ended = await this.#onExisting(source, (channel, ask) => ask(channel.purgeQueue(source)));
      purged += ended?.messageCount ?? 0;
    }
    return purged;
  }

  /** Calls `first` with dead letters, then removes them: those with the given ids, or all that exist at the start. */
  #withDead(
    queue: string,
    ids: readonly string[] | 'all',
    first: (letters: readonly Message[]) => Promise<readonly Outcome[]>,
  ): Promise<number> {
    checkQueueName(queue);
    const { names } = this.#options;
    const source = names.dead(queue);
    return this.#lock.run(names.lookLock(source), () => this.#withLetters(source, ids, first));
  }

  async #withLetters(
    source: string,
    ids: readonly string[] | 'all',
    first: (letters: readonly Message[]) => Promise<readonly Outcome[]>,
  ): Promise<number> {
    const wanted = ids === 'all' ? undefined : new Set(ids);
    const before = await this.#count(source);
    if (before === 0) return 0;
    let done = 0;
    try {
      await this.#taking(source, async (taking) => {
        for (let seen = 0; seen < before && wanted?.size !== 0; ) {
          const letters = await taking.next(Math.min(wanted === undefined ? BATCH : ROUND, before - seen));
          if (letters.length === 0) break;
          seen += letters.length;
          // Letters that are not selected stay on this channel, and return in order when it closes.
          const chosen = letters.filter(({ properties }) => wanted?.delete(String(properties.messageId)) ?? true);
          for (let from = 0; from < chosen.length; from += BATCH) {
            const batch = chosen.slice(from, from + BATCH);
            const outcomes = await first(batch);
            const gone = batch.filter((_, index) => outcomes[index] === undefined);
            await taking.ack(gone);
            done += gone.length;
            const error = outcomes.find((outcome) => outcome !== undefined);
            if (error === undefined) continue;
            await taking.restOfReturned().catch(() => undefined);
            throw error;
          }
        }
        await taking.rest();
      });
    } finally {
      await this.#untilBack(source, before - done);
    }
    return done;
  }

  /**
   * Takes messages on its own channel and closes it: they return to the front, in order. It never uses a nack. The
   * server marks them as delivered before, which in the quarantine would count as a crash: copies replace them there.
   */
  #look(source: string, queue: string, limit: number): Promise<Envelope[]> {
    return this.#lock.run(this.#options.names.lookLock(source), () => this.#lookAlone(source, queue, limit));
  }

  async #lookAlone(source: string, queue: string, limit: number): Promise<Envelope[]> {
    const before = await this.#count(source);
    if (before === 0) return [];
    const most = Math.min(limit, before);
    const seen: Envelope[] = [];
    await this.#taking(source, async (taking) => {
      while (seen.length < most) {
        const messages = await taking.next(most - seen.length);
        if (messages.length === 0) break;
        seen.push(...messages.map((message) => this.#seen(message, queue, source)));
        if (source === this.#options.names.quarantine(queue)) await this.#replace(taking, messages, queue);
      }
      if (source !== this.#options.names.quarantine(queue)) await taking.restOfReturned();
    });
    await this.#untilBack(source, before);
    return seen;
  }

  #seen(message: Message, queue: string, source: string): Envelope {
    const { names } = this.#options;
    const envelope = envelopeOf(message, queue);
    if (source !== names.dead(queue)) return envelope;
    return withServerDeath(envelope, message, [names.queue(queue), names.quarantine(queue)]);
  }

  /** Replaces suspects that were fetched by copies, which carry the crashes of those that were redelivered. */
  async #replace(taking: QueueBrowser, messages: readonly Message[], queue: string): Promise<void> {
    const { addresses, publisher } = this.#options;
    const copies = messages.map((message) => {
      const { envelope, metadata } = decodeMessage(message, queue);
      const crashes = metadata.crashes + (message.fields.redelivered ? 1 : 0);
      return addresses.back(envelope, { ...metadata, crashes });
    });
    const outcomes = await publisher.send(copies);
    await taking.ack(messages.filter((_, index) => outcomes[index] === undefined));
    const error = outcomes.find((outcome) => outcome !== undefined);
    if (error !== undefined) throw error;
  }

  /** Waits for the messages that a channel held: the server returns them after it has answered the close. */
  async #untilBack(source: string, expected: number): Promise<void> {
    const giveUpAt = performance.now() + BACK_WITHIN_MS;
    while (performance.now() < giveUpAt && (await this.#count(source)) < expected) await sleep(5);
  }

  async #sources(queue: string, state: PeekState): Promise<readonly string[]> {
    checkQueueName(queue);
    const { names } = this.#options;
    if (state === 'dead') return [names.dead(queue)];
    if (state === 'ready') return [names.queue(queue), names.quarantine(queue)];
    return this.#rungs(queue);
  }

  async #countDelayed(queue: string): Promise<number> {
    const counts = await Promise.all((await this.#rungs(queue)).map((rung) => this.#count(rung)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #rungs(queue: string): Promise<readonly string[]> {
    const { publishing, names } = this.#options;
    const ladder = await this.#existing(names.ladder(queue, TOP_LEVEL), 'exchange');
    return ladder === undefined ? [] : findRungs(publishing, names, queue);
  }

  async #count(name: string): Promise<number> {
    return (await this.#existing(name, 'queue'))?.messageCount ?? 0;
  }

  /** Counts dead letters while no other process looks at them: a look hides them for milliseconds. */
  async #countDead(source: string): Promise<number> {
    const giveUpAt = performance.now() + BACK_WITHIN_MS;
    for (;;) {
      const count = await this.#count(source);
      const isLooked = await this.#lock.isHeld(this.#options.names.lookLock(source));
      if (!isLooked || performance.now() > giveUpAt) return count;
      await sleep(AGAIN_MS);
    }
  }

  async #existing(name: string, kind: 'queue' | 'exchange'): Promise<{ messageCount?: number } | undefined> {
    return this.#onExisting(
      name,
      (channel, ask): Promise<{ messageCount?: number }> =>
        ask(kind === 'queue' ? channel.checkQueue(name) : channel.checkExchange(name)),
    );
  }

  #takingAlone<T>(source: string, use: (taking: QueueBrowser) => Promise<T>): Promise<T> {
    return this.#lock.run(this.#options.names.lookLock(source), () => this.#taking(source, use));
  }

  /** Opens a browser on a queue. Does nothing if the queue does not exist. */
  async #taking<T>(source: string, use: (taking: QueueBrowser) => Promise<T>): Promise<T> {
    const { connection } = this.#options;
    return connection.withChannel((channel) => use(new QueueBrowser(channel, source, connection)));
  }

  /** Returns undefined if the queue or exchange does not exist. */
  async #onExisting<T>(
    name: string,
    use: (channel: Channel, ask: <A>(asked: PromiseLike<A>) => Promise<A>) => Promise<T>,
  ): Promise<T | undefined> {
    const { connection } = this.#options;
    try {
      return await connection.withChannel((channel) =>
        use(channel, (asked) => connection.withTimeout(Promise.resolve(asked))),
      );
    } catch (error) {
      if (replyCode(error) === NOT_FOUND) return undefined;
      throw declarationError(name, error, connection.address);
    }
  }
}
