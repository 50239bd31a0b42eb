import type { StoredMessage } from './stored-message.ts';

/** What is ready, first in first out: a linked list, so that any message leaves it in constant time. */
export class ReadyLine {
  #first: StoredMessage | undefined;
  #last: StoredMessage | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  pushBack(message: StoredMessage): void {
    message.state = 'ready';
    message.before = this.#last;
    message.after = undefined;
    if (this.#last === undefined) this.#first = message;
    else this.#last.after = message;
    this.#last = message;
    this.#size++;
  }

  pushFront(message: StoredMessage): void {
    message.state = 'ready';
    message.before = undefined;
    message.after = this.#first;
    if (this.#first === undefined) this.#last = message;
    else this.#first.before = message;
    this.#first = message;
    this.#size++;
  }

  shift(): StoredMessage | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Takes out a message that stands in this line. */
  remove(message: StoredMessage): void {
    const { before, after } = message;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    message.before = undefined;
    message.after = undefined;
    this.#size--;
  }

  *[Symbol.iterator](): Iterator<StoredMessage> {
    for (let at = this.#first; at !== undefined; at = at.after) yield at;
  }
}
