import type { BrokerOptions } from '@brokkr/core/adapter';
import type { Connection } from './connection.ts';
import { Session } from './session.ts';

export interface SessionPoolOptions {
  readonly connection: Connection;
  readonly logger: BrokerOptions['logger'];
  /** Most channels, and the share of the server's `channel_max` if that is less. */
  readonly mostChannels: number;
  readonly shareOfChannels: number;
}

/** A session, or the attempt to open one. */
interface Slot {
  readonly opening: Promise<Session>;
  users: number;
}

/**
 * Gives each user its own session while there are channels, then the session with the fewest users. A worker with few
 * queues has a channel for each; one with thousands does not run out of them.
 */
export class SessionPool {
  readonly #options: SessionPoolOptions;
  readonly #slots = new Set<Slot>();
  readonly #users = new Map<Session, Slot>();

  constructor(options: SessionPoolOptions) {
    this.#options = options;
  }

  /** @throws BrokerUnavailableError as `Connection.openChannel` */
  async acquire(): Promise<Session> {
    // The server's limit of channels is known from then on.
    await this.#options.connection.ready();
    const slot = this.#slots.size < this.#most() ? this.#newSlot() : this.#leastUsed();
    slot.users++;
    try {
      const session = await slot.opening;
      this.#users.set(session, slot);
      return session;
    } catch (error) {
      slot.users--;
      this.#slots.delete(slot);
      throw error;
    }
  }

  /** Returns a session. The last user closes it. */
  async release(session: Session): Promise<void> {
    if (this.#leave(session)) await session.close();
  }

  /**
   * Returns a session whose messages are still to be settled. It is not given to other users, and closes once its last
   * user has left and its messages are settled.
   */
  retire(session: Session): void {
    const slot = this.#users.get(session);
    if (slot !== undefined) this.#slots.delete(slot);
    if (this.#leave(session)) session.retire();
  }

  /** Returns whether that was the last user. */
  #leave(session: Session): boolean {
    const slot = this.#users.get(session);
    if (slot === undefined) return true;
    slot.users--;
    if (slot.users > 0) return false;
    this.#slots.delete(slot);
    this.#users.delete(session);
    return true;
  }

  #most(): number {
    const { connection, mostChannels, shareOfChannels } = this.#options;
    return Math.max(1, Math.min(mostChannels, Math.floor(connection.mostChannels * shareOfChannels)));
  }

  #newSlot(): Slot {
    const slot: Slot = { opening: this.#open(() => this.#slots.delete(slot)), users: 0 };
    this.#slots.add(slot);
    return slot;
  }

  #leastUsed(): Slot {
    return [...this.#slots].reduce((least, slot) => (slot.users < least.users ? slot : least));
  }

  async #open(onOver: () => void): Promise<Session> {
    const { connection, logger } = this.#options;
    const channel = await connection.openChannel();
    channel.on('error', (error) => logger?.warn({ error }, 'RabbitMQ closed the channel of consumers'));
    channel.on('handler-error', (error) => logger?.error({ error }, 'a listener of the AMQP client failed'));
    const session = new Session(channel, connection);
    session.onOver(() => {
      onOver();
      this.#users.delete(session);
    });
    return session;
  }
}
