import {
  type Clock,
  deadLetterQueue,
  type Delivery,
  type Envelope,
  type FoundMessage,
  type QueueCounts,
  redriveEnvelope,
  type Settlement,
} from '@brokkr/core/adapter';
import { Collapsing } from './collapsing.ts';
import { DelayedMessages } from './delayed-messages.ts';
import { foundMessage } from './found-message.ts';
import { HandOver } from './to-delivery.ts';
import type { IdempotencyKeys } from './idempotency-keys.ts';
import type { LeaseTable } from './lease-table.ts';
import { LeaseTables } from './lease-tables.ts';
import { MessageLine } from './message-line.ts';
import { handedOut, type KeptEnvelope, keptEnvelope, newMessage, type StoredMessage } from './stored-message.ts';

/** Wakes a consumer that waits for a ready message. Called at most once. */
export type Waiter = () => void;

export interface MemoryQueueOptions {
  /** Longest delay in one hop, in milliseconds. */
  readonly maxDelayMs: number;
  /** Idempotency keys of all queues. */
  readonly keys: IdempotencyKeys;
  readonly nextFence: () => number;
}

/**
 * One queue: the state machine of its messages. Every method is synchronous and therefore atomic: no value that is read
 * before an await is written after it.
 *
 * published → (delayed →) ready → held → acknowledged | dead | expired, or back to ready or delayed
 */
export class MemoryQueue {
  readonly name: string;
  readonly collapsing: Collapsing;
  readonly #clock: Clock;
  readonly #keys: IdempotencyKeys;
  readonly #nextFence: () => number;
  readonly #live = new Map<string, StoredMessage>();
  readonly #ready = new MessageLine('ready');
  readonly #delayed: DelayedMessages;
  readonly #dead = new Map<string, KeptEnvelope>();
  readonly #leases: LeaseTables;
  readonly #waiters = new Set<Waiter>();
  readonly #gone = { published: 0, acknowledged: 0, discarded: 0, purged: 0, cancelled: 0, expired: 0 };

  constructor(name: string, clock: Clock, { maxDelayMs, keys, nextFence }: MemoryQueueOptions) {
    this.name = name;
    this.#clock = clock;
    this.#keys = keys;
    this.#nextFence = nextFence;
    this.collapsing = new Collapsing(clock, {
      store: (envelope) => this.publish(envelope),
      find: (id) => this.#live.get(id),
      replace: (message, envelope, latest) => this.#replace(message, envelope, latest),
      remove: (id) => this.remove(id, 'acknowledged'),
    });
    this.#delayed = new DelayedMessages(clock, maxDelayMs, () => this.#promoteDue());
    this.#leases = new LeaseTables(clock, (messages) => this.#crashed(messages));
  }

  /** Number of stored messages, including dead letters. */
  get size(): number {
    return this.#live.size + this.#dead.size;
  }

  /** Whether a message was ever published here. */
  get isUsed(): boolean {
    return this.#gone.published > 0;
  }

  /** Stores a message. If its id is stored already, this is the repeat of a publish whose answer was lost. */
  publish(envelope: Envelope): void {
    if (this.#live.has(envelope.id)) return;
    const message = newMessage(keptEnvelope(envelope, this.name));
    this.#live.set(envelope.id, message);
    this.#gone.published++;
    this.#place(message);
  }

  /** Wakes the waiting consumers. Called after a whole batch is stored, so that they receive all of it. */
  ring(): void {
    if (this.#ready.size === 0 || this.#waiters.size === 0) return;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter();
  }

  wait(waiter: Waiter): void {
    this.#waiters.add(waiter);
  }

  stopWaiting(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  openLeases(workerId: string, leaseMs: number): LeaseTable {
    return this.#leases.open(workerId, leaseMs);
  }

  take(limit: number, leases: LeaseTable): Delivery[] {
    const deliveries: Delivery[] = [];
    const endOfLease = leases.endOfLease();
    while (deliveries.length < limit) {
      const message = this.#ready.shift();
      if (message === undefined) break;
      message.fence = this.#nextFence();
      leases.hold(message, endOfLease);
      deliveries.push(new HandOver(message));
    }
    return deliveries;
  }

  /** Returns whether the settlement took effect: only while the lease of its delivery is live. */
  settle(settlement: Settlement, leases: LeaseTable): boolean {
    const message = this.#messageOf(settlement.delivery);
    if (!leases.holds(message, settlement.delivery.fence)) return false;
    leases.end(message);
    switch (settlement.kind) {
      case 'ack':
        this.#forget(message);
        if (settlement.wasCancelled) {
          this.#keys.free(message.envelope.idempotencyKey, message.envelope.id);
          this.#gone.cancelled++;
        } else this.#gone.acknowledged++;
        break;
      case 'expire':
        this.#forget(message);
        this.#keys.free(message.envelope.idempotencyKey, message.envelope.id);
        this.#gone.expired++;
        break;
      case 'dead-letter':
        this.#forget(message);
        // An older letter with this id is replaced, as on Redis. It counts as discarded: counts are conserved.
        this.#removeLetter(message.envelope.id);
        this.#dead.set(message.envelope.id, keptEnvelope(settlement.replacement));
        break;
      case 'retry':
        if (this.collapsing.comesBack(message, settlement.replacement)) break;
        this.#forget(message);
        this.#gone.acknowledged++;
        break;
      case 'release':
        this.#ready.pushFront(message);
        break;
    }
    return true;
  }

  /** Returns whether the lease was renewed. */
  extend(delivery: Delivery, leases: LeaseTable): boolean {
    const message = this.#messageOf(delivery);
    if (!leases.holds(message, delivery.fence)) return false;
    leases.renew(message);
    return true;
  }

  releaseWorker(workerId: string): number {
    return this.#leases.releaseWorker(workerId);
  }

  counts(): QueueCounts {
    return {
      ready: this.#ready.size,
      delayed: this.#delayed.size,
      running: this.#leases.size,
      dead: this.#dead.size,
      ...this.#gone,
    };
  }

  /** Ready messages in order, then delayed ones by their times. */
  *waiting(): Generator<StoredMessage> {
    yield* this.#ready;
    yield* this.#delayed.inOrder();
  }

  ready(): Iterable<StoredMessage> {
    return this.#ready;
  }

  delayed(): Iterable<StoredMessage> {
    return this.#delayed.inOrder();
  }

  dead(): Iterable<KeptEnvelope> {
    return this.#dead.values();
  }

  /** @param dueAt when a delayed message is due, by the host's clock */
  find(id: string, dueAt: (message: StoredMessage) => number): FoundMessage | undefined {
    const workerOf = (message: StoredMessage) => this.#leases.workerOf(message);
    return foundMessage(this.#live.get(id), this.#dead.get(id), { dueAt, workerOf });
  }

  /** Makes a delayed message ready now, ahead of those that are ready. */
  promote(id: string): boolean {
    const message = this.#live.get(id);
    if (message?.state !== 'delayed') return false;
    this.#delayed.remove(message);
    message.remainingDelayMs = 0;
    this.#ready.pushFront(message);
    this.#delayed.watch();
    return true;
  }

  isUnfinished(id: string): boolean {
    return this.#live.has(id);
  }

  /** Removes a ready or delayed message. @param counted the count that includes it from now on */
  remove(id: string, counted: 'purged' | 'cancelled' | 'acknowledged'): boolean {
    const message = this.#live.get(id);
    if (message === undefined || message.state === 'held') return false;
    if (message.state === 'ready') this.#ready.remove(message);
    else this.#delayed.remove(message);
    this.#forget(message);
    this.#keys.free(message.envelope.idempotencyKey, message.envelope.id);
    this.#gone[counted]++;
    return true;
  }

  /** Stores a dead letter of another broker, unless its id is a dead letter already. */
  bury(letter: Envelope): void {
    if (this.#dead.has(letter.id)) return;
    this.#dead.set(letter.id, keptEnvelope({ ...letter, queue: deadLetterQueue(this.name) }));
    this.#gone.published++;
  }

  redrive(id: string): boolean {
    const letter = this.#dead.get(id);
    if (letter === undefined) return false;
    // If a message with this id was sent after the death, that one stays.
    if (this.#live.has(id)) return this.#removeLetter(id);
    this.#dead.delete(id);
    this.publish(redriveEnvelope(handedOut(letter), this.name, this.#clock.now()));
    // It was counted when it was sent, and is the same message.
    this.#gone.published--;
    return true;
  }

  discard(id: string): boolean {
    const letter = this.#dead.get(id);
    // A message of this id that was sent after the death holds the key.
    if (letter !== undefined && !this.#live.has(id)) this.#keys.free(letter.idempotencyKey, id);
    return this.#removeLetter(id);
  }

  close(): void {
    this.#delayed.close();
    this.#leases.close();
  }

  /** Puts a message behind the ready ones, or among the delayed ones. @param latest when it is due at the latest */
  #place(message: StoredMessage, latest?: number): void {
    if (!this.#delayed.place(message, latest)) this.#ready.pushBack(message);
  }

  #replace(message: StoredMessage, envelope: Envelope, latest?: number): void {
    if (message.state === 'delayed') this.#delayed.remove(message);
    message.envelope = keptEnvelope(envelope, this.name);
    this.#place(message, latest);
  }

  #promoteDue(): void {
    for (let due = this.#delayed.shiftDue(); due !== undefined; due = this.#delayed.shiftDue())
      this.#ready.pushBack(due);
    this.#delayed.watch();
    this.ring();
  }

  /** Returns messages whose leases expired to the head of the line, in order, because they have waited before. */
  #crashed(messages: readonly StoredMessage[]): void {
    for (const message of messages.toReversed()) {
      message.crashes++;
      this.#ready.pushFront(message);
    }
    this.ring();
  }

  #messageOf(delivery: Delivery): StoredMessage | undefined {
    return HandOver.messageOf(delivery) ?? this.#live.get(delivery.envelope.id);
  }

  #removeLetter(id: string): boolean {
    if (!this.#dead.delete(id)) return false;
    this.#gone.discarded++;
    return true;
  }

  #forget(message: StoredMessage): void {
    message.state = 'gone';
    this.#live.delete(message.envelope.id);
  }
}
