import type { Clock, Collapse, Envelope, PublishReceipt } from '@brokkr/core/adapter';
import type { StoredMessage } from './stored-message.ts';

/** What a key remembers of its message. Times are those of the monotonic clock. */
interface Key {
  readonly id: string;
  /** When the first message of the key was sent. */
  readonly firstAt: number;
  /** When its message was last to be due. If it is delayed until another time, it came back without its key. */
  readonly dueAt: number;
  /** Whether its message is debounced, and has run. */
  readonly hasRun: boolean;
  readonly endsAt: number;
}

/** The messages of the queue. */
interface Messages {
  readonly store: (envelope: Envelope) => void;
  readonly find: (id: string) => StoredMessage | undefined;
  /** Puts another envelope in the place of a message. @param latest when it is due at the latest */
  readonly replace: (message: StoredMessage, envelope: Envelope, latest?: number) => void;
  /** Removes a message that would run after a later one. */
  readonly remove: (id: string) => void;
}

/** Keys that have expired are removed after this many additions, or after as many as were left. */
const SWEEP_AFTER = 1_000;

/** Joins unique and debounced messages of one queue. A key alone keeps no message away: its message must be there. */
export class Collapsing {
  readonly #clock: Clock;
  readonly #messages: Messages;
  readonly #keys = new Map<string, Key>();
  #sweepAt = SWEEP_AFTER;

  constructor(clock: Clock, messages: Messages) {
    this.#clock = clock;
    this.#messages = messages;
  }

  publish(envelope: Envelope, collapse: Collapse): PublishReceipt {
    const { id } = envelope;
    const now = this.#clock.monotonic();
    const found = this.#keys.get(collapse.key);
    const known = found !== undefined && found.endsAt > now ? found : undefined;
    // The repeat of a publish whose answer was lost. The message may have ended since.
    if (known?.id === id) return { id, isNew: true };
    const holder = known && this.#messages.find(known.id);
    if (known !== undefined && holder !== undefined) {
      const { mode, maxWaitMs = Number.POSITIVE_INFINITY } = collapse;
      if (mode === 'unique' || (mode === 'waiting' && holder.state !== 'held')) return { id: known.id, isNew: false };
      if (known.hasRun && holder.state === 'delayed') this.#messages.remove(known.id);
      else if (mode === 'debounce' && holder.state === 'delayed' && holder.dueAt === known.dueAt) {
        // Crashes of the arguments that are replaced say nothing about these.
        holder.crashes = 0;
        this.#messages.replace(holder, { ...envelope, id: known.id }, known.firstAt + maxWaitMs);
        this.#keep(collapse, known, holder);
        return { id: known.id, isNew: false, isReplacement: true };
      }
    }
    this.#messages.store(envelope);
    this.#keep(collapse, { id, firstAt: now }, this.#messages.find(id));
    return { id, isNew: true };
  }

  /**
   * Puts a message back with its replacement. One with a key can be replaced while it is delayed, unless it has run.
   * @returns false if a later message has its key: it is not put back
   */
  comesBack(message: StoredMessage, replacement: Envelope): boolean {
    const { id, collapse } = replacement;
    const now = this.#clock.monotonic();
    const found = collapse && this.#keys.get(collapse.key);
    const known = found !== undefined && found.endsAt > now ? found : undefined;
    if (known !== undefined && known.id !== id) return false;
    this.#messages.replace(message, replacement);
    if (collapse !== undefined) this.#keep(collapse, { id, firstAt: known?.firstAt ?? now }, message);
    return true;
  }

  #keep(
    { key, ttlMs, hasRun }: Collapse,
    { id, firstAt }: Pick<Key, 'id' | 'firstAt'>,
    message: StoredMessage | undefined,
  ): void {
    const now = this.#clock.monotonic();
    const dueAt = message?.state === 'delayed' ? message.dueAt : now;
    this.#keys.set(key, { id, firstAt, dueAt, hasRun: hasRun === true, endsAt: dueAt + ttlMs });
    if (this.#keys.size < this.#sweepAt) return;
    for (const [each, { endsAt }] of this.#keys) if (endsAt <= now) this.#keys.delete(each);
    this.#sweepAt = 2 * Math.max(SWEEP_AFTER, this.#keys.size);
  }
}
