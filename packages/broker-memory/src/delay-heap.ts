import type { StoredMessage } from './stored-message.ts';

interface Entry {
  readonly message: StoredMessage;
  readonly dueAt: number;
  /** Keeps those due at one instant in the order they came. */
  readonly order: number;
}

/** What waits for its time: a binary heap. What was taken away meanwhile is passed over when it comes up. */
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

  /** Takes out a message that waits here; the caller has changed its state, or does so now. */
  remove(message: StoredMessage): void {
    message.state = 'gone';
    this.#size--;
    // Entries of those that left would pile up where most messages are cancelled.
    if (this.#entries.length > 64 && this.#entries.length > 2 * this.#size) this.#rebuild();
  }

  /** When the first is due. */
  nextDueAt(): number | undefined {
    this.#dropGone();
    return this.#entries[0]?.dueAt;
  }

  /** The first one due by `now`, taken out. */
  shiftDue(now: number): StoredMessage | undefined {
    const dueAt = this.nextDueAt();
    if (dueAt === undefined || dueAt > now) return undefined;
    this.#size--;
    return this.#shift()?.message;
  }

  /** All of them, earliest first. */
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

/** A message may have left and come back with another time: then another entry is its own. */
function isWaiting({ message, dueAt }: Entry): boolean {
  return message.state === 'delayed' && message.dueAt === dueAt;
}

function earlier(a: Entry, b: Entry): boolean {
  return compare(a, b) < 0;
}

function compare(a: Entry, b: Entry): number {
  return a.dueAt - b.dueAt || a.order - b.order;
}
