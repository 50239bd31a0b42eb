import { setTimeout as sleep } from 'node:timers/promises';

/** A host's clock may be set, and quartz drifts by a second in hours: a reading is repeated after this long. */
const READ_FOR_MS = 60_000;
const SOON_MS = 1_000;

/** An envelope, or a part of one. */
interface Expiring {
  /** Epoch milliseconds. */
  readonly expiresAt?: number | undefined;
}

interface Reading {
  readonly serverMs: number;
  /** When the server read its clock, on this process's monotonic clock. */
  readonly at: number;
  /** A smaller difference is within the error of the reading. */
  readonly toleranceMs: number;
}

/**
 * Translates the time at which a message expires between this host's clock and the clock of a server. Store messages with
 * the server's time: a sender or worker whose clock is wrong then neither drops valid messages nor runs expired ones.
 *
 * Differences are rounded to whole seconds, because a reading is no more exact than its round trip.
 */
export class ServerClock {
  readonly #read: () => Promise<number>;
  readonly #resolutionMs: number;
  #reading: Reading | undefined;
  #pending: Promise<void> | undefined;

  /**
   * @param read asks the server for its time, epoch milliseconds
   * @param resolutionMs how exact that time is: 1,000 if the server counts whole seconds
   */
  constructor(read: () => Promise<number>, resolutionMs = 1) {
    this.#read = read;
    this.#resolutionMs = resolutionMs;
  }

  /** Whether the server's clock was read. If it never was, this host's clock is used. */
  get isKnown(): boolean {
    return this.#reading !== undefined;
  }

  /** How far the server's clock is ahead of this host's, in whole seconds as milliseconds; 0 within the error of a reading. */
  get aheadMs(): number {
    if (this.#reading === undefined) return 0;
    const { serverMs, at, toleranceMs } = this.#reading;
    const elapsedMs = performance.now() - at;
    if (elapsedMs > READ_FOR_MS) this.measure().catch(() => undefined);
    const aheadMs = serverMs + elapsedMs - Date.now();
    return Math.abs(aheadMs) <= toleranceMs ? 0 : Math.round(aheadMs / 1_000) * 1_000;
  }

  /**
   * Reads the server's clock; calls at the same time share one reading.
   * @param read replaces the `read` of the constructor, for a reading that no call shares
   * @throws what `read` throws
   */
  measure(read?: () => Promise<number>): Promise<void> {
    if (read !== undefined) return this.#measure(read);
    this.#pending ??= this.#measure(this.#read).finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #measure(read: () => Promise<number>): Promise<void> {
    const askedAt = performance.now();
    const serverMs = await read();
    const roundTripMs = performance.now() - askedAt;
    this.#reading = {
      serverMs,
      at: askedAt + roundTripMs / 2,
      toleranceMs: Math.max(500, this.#resolutionMs + roundTripMs / 2),
    };
  }

  /** Reads the server's clock if it was never read. @throws what `read` throws */
  async known(): Promise<void> {
    if (!this.isKnown) await this.measure();
  }

  /**
   * As `known`, but waits for at most a second and never rejects, for calls that must work without the clock: then this
   * host's clock is used until the server's is known.
   */
  async knownSoon(): Promise<void> {
    if (this.isKnown) return;
    const known = this.measure().catch(() => undefined);
    await Promise.race([known, sleep(SOON_MS, undefined, { ref: false })]);
  }

  /**
   * Returns the messages as they are stored. Reads the server's clock if one of them expires and it was never read.
   * @throws what `read` throws
   */
  async allToServer<T extends Expiring>(envelopes: readonly T[]): Promise<readonly T[]> {
    if (envelopes.every(({ expiresAt }) => expiresAt === undefined)) return envelopes;
    await this.known();
    return envelopes.map((envelope) => this.toServer(envelope));
  }

  /** Returns the message as it is stored: `expiresAt` by the server's clock. `notBefore` stays, because a duration is sent. */
  toServer<T extends Expiring>(envelope: T): T {
    return envelope.expiresAt === undefined ? envelope : this.#shifted(envelope, 1);
  }

  /** Returns a stored message with `expiresAt` by this host's clock. */
  toLocal<T extends Expiring>(envelope: T): T {
    return envelope.expiresAt === undefined ? envelope : this.#shifted(envelope, -1);
  }

  #shifted<T extends Expiring>(envelope: T, direction: 1 | -1): T {
    const { aheadMs } = this;
    if (aheadMs === 0) return envelope;
    return { ...envelope, expiresAt: (envelope.expiresAt as number) + direction * aheadMs };
  }
}
