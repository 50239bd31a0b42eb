import type { StoredMessage } from './stored-message.ts';

interface Entry {
  readonly message: StoredMessage;
  readonly dueAt: number;
  /** Order of arrival, for messages that are due at the same instant. */
  readonly order: number;
}

/** Delayed messages, as a binary heap. Entries of removed messages are skipped when they reach the top. */
export class DelayHeap {
  #entries: Entry[] = [];
  #order = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(message: StoredMessage, dueAt: number): void {
    message.state = 'delayed';
    message.dueAt = dueAt;
    this.#size++;
    const entries = this.#entries;
    const entry: Entry = { message, dueAt, order: this.#order++ };
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!earlier(entry, entries[parent] as Entry)) break;
      entries[at] = entries[parent] as Entry;
      at = parent;
    }
    entries[at] = entry;
  }

  /** Removes a message. The caller changes its state. */
  remove(message: StoredMessage): void {
    message.state = 'gone';
    this.#size--;
    // If most messages are cancelled, the entries of removed messages would accumulate.
    if (this.#entries.length > 64 && this.#entries.length > 2 * this.#size) this.#rebuild();
  }

  /** Returns when the first message is due. */
  nextDueAt(): number | undefined {
    this.#dropGone();
    return this.#entries[0]?.dueAt;
  }

  /** Removes and returns the first message that is due by `now`. */
  shiftDue(now: number): StoredMessage | undefined {
    const dueAt = this.nextDueAt();
    if (dueAt === undefined || dueAt > now) return undefined;
    this.#size--;
    return this.#shift()?.message;
  }

  /** All messages, earliest first. */
  inOrder(): StoredMessage[] {
    return this.#entries
      .filter(isWaiting)
      .sort(compare)
      .map(({ message }) => message);
  }

  #dropGone(): void {
    while (this.#entries[0] !== undefined && !isWaiting(this.#entries[0])) this.#shift();
  }

  #shift(): Entry | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && earlier(entries[child + 1] as Entry, entries[child] as Entry)) child++;
      if (!earlier(entries[child] as Entry, last)) break;
      entries[at] = entries[child] as Entry;
      at = child;
    }
    entries[at] = last;
    return first;
  }

  #rebuild(): void {
    // A sorted array is a heap.
    this.#entries = this.#entries.filter(isWaiting).sort(compare);
  }
}

/** A message may have left and returned with another time; then this entry is not its current one. */
function isWaiting({ message, dueAt }: Entry): boolean {
  return message.state === 'delayed' && message.dueAt === dueAt;
}

function earlier(a: Entry, b: Entry): boolean {
  return compare(a, b) < 0;
}

function compare(a: Entry, b: Entry): number {
  return a.dueAt - b.dueAt || a.order - b.order;
}
