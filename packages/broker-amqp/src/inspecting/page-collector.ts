import type { Page, PageItem } from '@brokkr/core/adapter';
import { formatCursor, type PageCursor } from './page-cursor.ts';

/** Collects one page from messages that are read from the front of a queue. */
export class PageCollector {
  readonly #after: PageCursor | undefined;
  readonly #limit: number;
  #items: PageItem[] = [];
  #isOpen: boolean;
  /** Messages up to the last one of the page. */
  #end = 0;

  /** @param after the end of the page before */
  constructor(limit: number, after: PageCursor | undefined) {
    this.#limit = limit;
    this.#after = after;
    this.#isOpen = after === undefined;
  }

  /** Place of the first message that it has to read, from 0. */
  get from(): number {
    return Math.max(0, (this.#after?.place ?? 0) - 1);
  }

  /** Messages that it has to read from the front. */
  get end(): number {
    return (this.#after?.place ?? 0) + this.#limit;
  }

  /**
   * Takes the next message.
   * @param index its place, from 0
   */
  read(index: number, id: string, item: () => PageItem): void {
    if (this.#isOpen && this.#items.length < this.#limit && !this.#isLast(index, id)) {
      this.#items.push(item());
      this.#end = index + 1;
      return;
    }
    if (this.#after === undefined || index >= this.#after.place) return;
    if (this.#isLast(index, id)) {
      // An earlier message with the same id was not the last one of the page before.
      this.#items = [];
      this.#isOpen = true;
    } else if (!this.#isOpen && id === this.#after.id) {
      // Messages in front of it were removed.
      this.#isOpen = true;
    } else if (!this.#isOpen && index === this.#after.place - 1) {
      // It was removed, so the next one has taken its place.
      this.#isOpen = true;
      this.read(index, id, item);
    }
  }

  /** @param total messages that there are */
  page(total: number): Page {
    const last = this.#items.at(-1);
    if (last === undefined || this.#end >= total) return { items: this.#items };
    return { items: this.#items, next: formatCursor({ place: this.#end, id: last.envelope.id }) };
  }

  #isLast(index: number, id: string): boolean {
    return this.#after !== undefined && index === this.#after.place - 1 && id === this.#after.id;
  }
}
