import type { StoredMessage } from './stored-message.ts';

/** Messages in one state, first in, first out. It is a linked list, so that any message is removed in constant time. */
export class MessageLine {
  readonly #state: StoredMessage['state'];
  #first: StoredMessage | undefined;
  #last: StoredMessage | undefined;
  #size = 0;

  constructor(state: StoredMessage['state']) {
    this.#state = state;
  }

  get size(): number {
    return this.#size;
  }

  get first(): StoredMessage | undefined {
    return this.#first;
  }

  pushBack(message: StoredMessage): void {
    message.state = this.#state;
    message.line = this;
    message.before = this.#last;
    message.after = undefined;
    if (this.#last === undefined) this.#first = message;
    else this.#last.after = message;
    this.#last = message;
    this.#size++;
  }

  pushFront(message: StoredMessage): void {
    message.state = this.#state;
    message.line = this;
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

  /** Removes a message that is in this line. */
  remove(message: StoredMessage): void {
    const { before, after } = message;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    message.before = undefined;
    message.after = undefined;
    message.line = undefined;
    this.#size--;
  }

  /** Removes all messages. @returns them in order */
  clear(): StoredMessage[] {
    const all = [...this];
    for (const message of all) this.remove(message);
    return all;
  }

  *[Symbol.iterator](): Iterator<StoredMessage> {
    for (let at = this.#first; at !== undefined; at = at.after) yield at;
  }
}
