/** Most fetches that a queue is not asked for more than free slots, after other messages came where a batch was expected. */
const LONGEST_PAUSE = 64;

interface Experience {
  /** Size of the batch task whose messages came last. */
  size: number;
  /** How many fetches are limited to the free slots after messages are released again. */
  penalty: number;
  left: number;
}

/**
 * How many messages of a queue may be fetched beyond the free slots. A queue may hold messages of batch tasks and of
 * others: if others came for which there was no slot, they were fetched for nothing. Then the queue is asked for no more
 * than free slots for a while, which doubles each time.
 */
export class FetchRoom {
  readonly #known = new Map<object, Experience>();

  /** Messages of a batch task came from this queue. */
  gathered(queue: object, size: number): void {
    const known = this.#known.get(queue);
    if (known === undefined) this.#known.set(queue, { size, penalty: 1, left: 0 });
    else known.size = size;
  }

  /**
   * Learns from a fetch.
   * @param wasMore whether more messages than free slots could come
   * @param hadRoom whether all messages that came had room
   */
  learn(queue: object, wasMore: boolean, hadRoom: boolean): void {
    const known = this.#known.get(queue);
    if (known === undefined) return;
    if (!wasMore) known.left = Math.max(0, known.left - 1);
    else if (hadRoom) known.penalty = 1;
    else {
      known.left = known.penalty;
      known.penalty = Math.min(LONGEST_PAUSE, known.penalty * 2);
    }
  }

  /**
   * @param gathering room of the batches that gather
   * @param freeSlots slots in which batches may begin
   */
  of(queue: object, gathering: number, freeSlots: number): number {
    const known = this.#known.get(queue);
    if (known === undefined || known.left > 0) return 0;
    // One more batch in each fetch: several would be held for longer than they need, and by one worker.
    return gathering + (freeSlots > 0 ? known.size - 1 : 0);
  }
}
