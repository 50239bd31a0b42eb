import type { Envelope } from '@brokkr/core/adapter';
import { type Client, isCluster } from './connect.ts';
import type { Connection } from './connection.ts';

/** A host's clock may be set, and quartz drifts by a second in hours: a measurement is repeated after this long. */
const MEASURED_FOR_MS = 60_000;

interface Measurement {
  readonly serverMs: number;
  /** When the server read its clock, on this process's monotonic clock. */
  readonly at: number;
}

/**
 * Translates the time at which a message expires between this host's clock and the clock of Redis. Messages are stored
 * with the server's time: a sender or worker whose clock is wrong neither drops valid messages nor runs expired ones.
 *
 * Differences are rounded to whole seconds, because a measurement is no more exact than its round trip.
 */
export class ServerClock {
  #measurement: Measurement | undefined;
  #measuring: Promise<unknown> | undefined;
  readonly #connection: () => Connection;

  constructor(connection: () => Connection) {
    this.#connection = connection;
  }

  async measure(client: Client): Promise<void> {
    const node = isCluster(client) ? (client.nodes('master')[0] ?? client) : client;
    const askedAt = performance.now();
    const [seconds, microseconds] = await node.time();
    const at = (askedAt + performance.now()) / 2;
    this.#measurement = { serverMs: Number(seconds) * 1_000 + Number(microseconds) / 1_000, at };
  }

  /**
   * Returns the messages as they are stored.
   * @throws BrokerUnavailableError (`BROKER_UNAVAILABLE`) if the clock was never read, and Redis is unreachable
   */
  async allToServer(envelopes: readonly Envelope[]): Promise<readonly Envelope[]> {
    if (envelopes.every(({ expiresAt }) => expiresAt === undefined)) return envelopes;
    if (this.#measurement === undefined) await this.#measureAgain();
    return envelopes.map((envelope) => this.toServer(envelope));
  }

  /** Returns the message as it is stored. */
  toServer(envelope: Envelope): Envelope {
    return envelope.expiresAt === undefined ? envelope : this.#shifted(envelope, 1);
  }

  /** Returns a stored message in this host's time. */
  toLocal(envelope: Envelope): Envelope {
    return envelope.expiresAt === undefined ? envelope : this.#shifted(envelope, -1);
  }

  #shifted(envelope: Envelope, direction: 1 | -1): Envelope {
    const aheadMs = this.#aheadMs();
    if (aheadMs === 0) return envelope;
    return { ...envelope, expiresAt: (envelope.expiresAt as number) + direction * aheadMs };
  }

  /** How far the server's clock is ahead of this host's, in whole seconds. */
  #aheadMs(): number {
    if (this.#measurement === undefined) return 0;
    const { serverMs, at } = this.#measurement;
    const elapsedMs = performance.now() - at;
    if (elapsedMs > MEASURED_FOR_MS) this.#measureAgain().catch(() => undefined);
    return Math.round((serverMs + elapsedMs - Date.now()) / 1_000) * 1_000;
  }

  #measureAgain(): Promise<unknown> {
    this.#measuring ??= this.#connection()
      .call((client) => this.measure(client))
      .finally(() => {
        this.#measuring = undefined;
      });
    return this.#measuring;
  }
}
