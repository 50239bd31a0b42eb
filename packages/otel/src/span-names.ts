/** Names spans after the queue or the task of their message. */
export class SpanNames {
  readonly #by: 'queue' | 'task';

  constructor(by: 'queue' | 'task') {
    this.#by = by;
  }

  of(operation: string, message: { readonly queue: string; readonly task: string }): string {
    return `${operation} ${message[this.#by]}`;
  }
}
