/** Where the text of a slot begins. Before it are: its owner plus 1 (0: free), length of the text, a number, a time. */
const TEXT_AT = 24;
const SLOTS_IN_CHUNK = 1_024;
const MOST_CHUNKS = 64;

/** Where the fields of a slot are, for the thread. @param bytes of a slot, a multiple of 8 */
export function layoutOf(bytes: number) {
  return { bytes, textAt: TEXT_AT, slots: SLOTS_IN_CHUNK } as const;
}

interface Chunk {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Buffer;
}

/**
 * What this process holds at the server, in memory that a thread shares. The event loop writes each entry at once, because it
 * cannot write anything once a handler blocks it. Entries with longer texts than a slot has room for are left out, and those
 * beyond 65,536.
 */
export class SharedSlots {
  readonly #size: number;
  readonly #onGrown: (memory: SharedArrayBuffer) => void;
  readonly #chunks: Chunk[] = [];
  readonly #free: number[] = [];

  /**
   * @param size bytes of a slot, a multiple of 8
   * @param onGrown called with memory that the thread has to read too
   */
  constructor(size: number, onGrown: (memory: SharedArrayBuffer) => void) {
    this.#size = size;
    this.#onGrown = onGrown;
  }

  /** Writes an entry, and returns its slot; -1 if it is left out. @param text in UTF-8 */
  take(owner: number, text: Uint8Array, number: number): number {
    const length = text.length;
    const slot = length > this.#size - TEXT_AT ? -1 : this.#next();
    if (slot === -1) return -1;
    const { words, doubles, bytes } = this.#chunkOf(slot);
    const at = (slot % SLOTS_IN_CHUNK) * this.#size;
    words[at / 4 + 1] = length;
    // For so few bytes a loop is faster than a call of Node.
    for (let index = 0; index < length; index++) bytes[at + TEXT_AT + index] = text[index] as number;
    doubles[at / 8 + 1] = number;
    doubles[at / 8 + 2] = 0;
    words[at / 4] = owner + 1;
    return slot;
  }

  /** @param until when the run must have ended, as `LoopGuard.started` returns it */
  runs(slot: number, until: number): void {
    const { doubles } = this.#chunkOf(slot);
    doubles[((slot % SLOTS_IN_CHUNK) * this.#size) / 8 + 2] = until;
  }

  release(slot: number): void {
    const { words } = this.#chunkOf(slot);
    words[((slot % SLOTS_IN_CHUNK) * this.#size) / 4] = 0;
    this.#free.push(slot);
  }

  #next(): number {
    if (this.#free.length === 0) this.#grow();
    return this.#free.pop() ?? -1;
  }

  #chunkOf(slot: number): Chunk {
    return this.#chunks[Math.floor(slot / SLOTS_IN_CHUNK)] as Chunk;
  }

  #grow(): void {
    const first = this.#chunks.length * SLOTS_IN_CHUNK;
    if (this.#chunks.length === MOST_CHUNKS) return;
    const memory = new SharedArrayBuffer(SLOTS_IN_CHUNK * this.#size);
    this.#chunks.push({
      words: new Int32Array(memory),
      doubles: new Float64Array(memory),
      bytes: Buffer.from(memory),
    });
    for (let slot = first + SLOTS_IN_CHUNK - 1; slot >= first; slot--) this.#free.push(slot);
    this.#onGrown(memory);
  }
}
