/** Bytes of a slot: number of the subscription plus 1 (0: free), length of the id, fence, end of the run, id. */
const SLOT = 128;
const ID_AT = 24;
const LONGEST_ID = SLOT - ID_AT;
const SLOTS_IN_CHUNK = 1_024;
const MOST_CHUNKS = 64;

/** Where the fields of a slot are, for the thread. */
export const SLOT_LAYOUT = { bytes: SLOT, idAt: ID_AT, slots: SLOTS_IN_CHUNK } as const;

interface Chunk {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
}

/**
 * The deliveries of this process, in memory that a thread shares. The event loop writes each delivery when it claims it,
 * because it cannot write anything once a handler blocks it. Not guarded: ids over 104 bytes, and deliveries beyond 65,536.
 */
export class LeaseSlots {
  readonly #onGrown: (memory: SharedArrayBuffer) => void;
  readonly #chunks: Chunk[] = [];
  readonly #free: number[] = [];

  /** @param onGrown called with memory that the thread has to read too */
  constructor(onGrown: (memory: SharedArrayBuffer) => void) {
    this.#onGrown = onGrown;
  }

  /** Writes a delivery, and returns its slot; -1 if it is not guarded. @param id in UTF-8 */
  take(subscription: number, id: Uint8Array, fence: number): number {
    if (id.length > LONGEST_ID) return -1;
    if (this.#free.length === 0) this.#grow();
    const slot = this.#free.pop();
    if (slot === undefined) return -1;
    const { words, doubles, bytes } = this.#chunkOf(slot);
    const at = (slot % SLOTS_IN_CHUNK) * SLOT;
    words[at / 4 + 1] = id.length;
    // For so few bytes a loop is faster than a call of Node.
    for (let index = 0; index < id.length; index++) bytes[at + ID_AT + index] = id[index] as number;
    doubles[at / 8 + 1] = fence;
    doubles[at / 8 + 2] = 0;
    words[at / 4] = subscription + 1;
    return slot;
  }

  /** @param until when the run must have ended, as `LoopGuard.started` returns it */
  runs(slot: number, until: number): void {
    const { doubles } = this.#chunkOf(slot);
    doubles[((slot % SLOTS_IN_CHUNK) * SLOT) / 8 + 2] = until;
  }

  release(slot: number): void {
    const { words } = this.#chunkOf(slot);
    words[((slot % SLOTS_IN_CHUNK) * SLOT) / 4] = 0;
    this.#free.push(slot);
  }

  #chunkOf(slot: number): Chunk {
    return this.#chunks[Math.floor(slot / SLOTS_IN_CHUNK)] as Chunk;
  }

  #grow(): void {
    const first = this.#chunks.length * SLOTS_IN_CHUNK;
    if (this.#chunks.length === MOST_CHUNKS) return;
    const memory = new SharedArrayBuffer(SLOTS_IN_CHUNK * SLOT);
    this.#chunks.push({
      words: new Int32Array(memory),
      doubles: new Float64Array(memory),
      bytes: new Uint8Array(memory),
    });
    for (let slot = first + SLOTS_IN_CHUNK - 1; slot >= first; slot--) this.#free.push(slot);
    this.#onGrown(memory);
  }
}
