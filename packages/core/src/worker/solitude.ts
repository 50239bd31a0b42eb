import type { Delivery } from '../broker/delivery.ts';

/** From its second crash on a message runs alone. */
const SUSPECT_CRASHES = 2;

/** Whether this message may be what killed its workers. */
export function isSuspect(delivery: Delivery): boolean {
  return delivery.crashes >= SUSPECT_CRASHES;
}

/**
 * The rule that a suspect shares its worker with nobody, so that only it is charged for the next crash: one suspect
 * waits until everything else is finished, and nothing is fetched until it has run. After one, messages are fetched
 * one by one until an innocent one comes, since suspects come in crowds: all neighbours of a poison message are.
 */
export class Solitude<S> {
  #waiting: S | undefined;
  #occupied = false;
  #wary = false;

  /** Nothing else may start or be fetched. */
  get isClosed(): boolean {
    return this.#occupied || this.#waiting !== undefined;
  }

  /** One at a time: what is fetched next may be a suspect. */
  get isWary(): boolean {
    return this.#wary;
  }

  /** Takes a suspect in, if there is none yet. */
  admit(suspect: S): boolean {
    if (this.isClosed) return false;
    this.#waiting = suspect;
    this.#wary = true;
    return true;
  }

  /** The suspect whose turn it is, now that the worker is empty. */
  enter(): S | undefined {
    const suspect = this.#waiting;
    this.#waiting = undefined;
    this.#occupied = suspect !== undefined;
    return suspect;
  }

  /** The suspect has run. */
  leave(): void {
    this.#occupied = false;
  }

  /** Gives up the suspect that waits. */
  evict(): S | undefined {
    const suspect = this.#waiting;
    this.#waiting = undefined;
    return suspect;
  }

  /** An innocent message came. */
  relax(): void {
    this.#wary = false;
  }
}
