import { BrokerUnavailableError, checkQueueName, type Clock } from '@brokkr/core/adapter';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { type MemoryBrokerOptions, resolveMemoryBrokerOptions } from './memory-broker-options.ts';
import { MemoryElections } from './memory-elections.ts';
import { MemoryLimits } from './limits/memory-limits.ts';
import { MemoryQueue } from './memory-queue.ts';
import { MemoryRecords } from './memory-records.ts';
import { MemoryResults } from './memory-results.ts';
import { MemorySignals } from './memory-signals.ts';
import { MemoryWorkers } from './memory-workers.ts';
import type { StoredMessage } from './stored-message.ts';

/**
 * The counterpart of a server: it stores the messages, and several brokers may share it. It ends with the last of them.
 */
export class MemoryServer {
  readonly clock: Clock;
  readonly maxDelayMs: number;
  readonly keys: IdempotencyKeys;
  readonly results: MemoryResults;
  readonly limits: MemoryLimits;
  readonly records: MemoryRecords;
  readonly elections = new MemoryElections();
  readonly signals = new MemorySignals();
  readonly workers: MemoryWorkers;
  readonly state = new Map<string, string>();
  readonly #maxMessages: number;
  readonly #onEnd: () => void;
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #brokers = new Set<object>();
  #fence = 0;

  /** @throws ConfigError for an unknown or invalid option */
  constructor(options: MemoryBrokerOptions, onEnd: () => void = () => undefined) {
    const { clock, maxMessages, maxDelayMs, idempotencyTtlMs } = resolveMemoryBrokerOptions(options);
    this.clock = clock;
    this.maxDelayMs = maxDelayMs;
    this.keys = new IdempotencyKeys(clock, idempotencyTtlMs);
    this.results = new MemoryResults(clock);
    this.limits = new MemoryLimits(clock);
    this.records = new MemoryRecords(clock);
    this.workers = new MemoryWorkers(clock, () => this.queues());
    this.#maxMessages = maxMessages;
    this.#onEnd = onEnd;
  }

  join(broker: object): void {
    this.#brokers.add(broker);
  }

  /** Ends the waits and leaderships of a broker. With the last broker, ends everything. */
  leave(broker: object): void {
    this.elections.leave(broker);
    this.results.leave(broker);
    this.signals.leave(broker);
    if (!this.#brokers.delete(broker) || this.#brokers.size > 0) return;
    for (const queue of this.#queues.values()) queue.close();
    this.limits.close();
    this.#onEnd();
  }

  /** Returns the queue with this name, and creates it if needed. @throws ConfigError if the name is invalid */
  queue(name: string): MemoryQueue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    checkQueueName(name);
    const queue = new MemoryQueue(name, this.clock, {
      maxDelayMs: this.maxDelayMs,
      keys: this.keys,
      nextFence: () => ++this.#fence,
    });
    this.#queues.set(name, queue);
    return queue;
  }

  /** When a delayed message is due, epoch milliseconds. */
  dueAt({ dueAt, remainingDelayMs }: StoredMessage): number {
    return Math.ceil(this.clock.now() + dueAt - this.clock.monotonic() + remainingDelayMs);
  }

  queues(): readonly MemoryQueue[] {
    return [...this.#queues.values()];
  }

  /** @throws BrokerUnavailableError (`BROKER_FULL`) if there is no room for `wanted` more messages */
  checkRoom(wanted: number): void {
    let kept = 0;
    for (const queue of this.#queues.values()) kept += queue.size;
    if (kept + wanted <= this.#maxMessages) return;
    throw new BrokerUnavailableError(
      `the memory broker is full: it has ${kept} of ${this.#maxMessages} messages (maxMessages)`,
      { code: 'BROKER_FULL' },
    );
  }
}
