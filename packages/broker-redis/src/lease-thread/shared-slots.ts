/** Where the text of a slot begins. Before it are: its owner plus 1 (0: free), length of the text, a number, a time. */
const TEXT_AT = 24;
const SLOTS_IN_CHUNK = 1_024;
const MOST_CHUNKS = 64;
const LAST_ASCII = 0x7f;

/** Where the fields of a slot are, for the thread. @param bytes of a slot, a multiple of 8 */
export function layoutOf(bytes: number) {
  return { bytes, textAt: TEXT_AT, slots: SLOTS_IN_CHUNK } as const;
}

interface Chunk {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
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
  /** The first part of the text in each slot, which the next entry there mostly shares. */
  readonly #prefixes: (string | undefined)[] = [];

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
    const { length } = text;
    const slot = this.#next(length);
    if (slot === -1) return -1;
    const { bytes } = this.#chunkOf(slot);
    const from = (slot % SLOTS_IN_CHUNK) * this.#size + TEXT_AT;
    // For so few bytes a loop is faster than a call of Node.
    for (let index = 0; index < length; index++) bytes[from + index] = text[index] as number;
    this.#fill(slot, owner, length, number);
    return slot;
  }

  /** The same with a text of two parts. The owner is the length of the first part, which is in ASCII. */
  takeNamed(prefix: string, name: string, number: number): number {
    const length = prefix.length + name.length;
    const slot = this.#next(length);
    if (slot === -1) return -1;
    const { bytes } = this.#chunkOf(slot);
    let at = (slot % SLOTS_IN_CHUNK) * this.#size + TEXT_AT;
    if (this.#prefixes[slot] !== prefix) {
      this.#prefixes[slot] = prefix;
      for (let index = 0; index < prefix.length; index++) bytes[at + index] = prefix.charCodeAt(index);
    }
    at += prefix.length;
    let all = 0;
    for (let index = 0; index < name.length; index++) {
      const code = name.charCodeAt(index);
      bytes[at + index] = code;
      all |= code;
    }
    if (all > LAST_ASCII) {
      this.#prefixes[slot] = undefined;
      this.#free.push(slot);
      return this.take(prefix.length, Buffer.from(prefix + name), number);
    }
    this.#fill(slot, prefix.length, length, number);
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

  #next(length: number): number {
    if (length > this.#size - TEXT_AT) return -1;
    if (this.#free.length === 0) this.#grow();
    return this.#free.pop() ?? -1;
  }

  /** Last of all the owner: the thread ignores a slot without one. */
  #fill(slot: number, owner: number, length: number, number: number): void {
    const { words, doubles } = this.#chunkOf(slot);
    const at = (slot % SLOTS_IN_CHUNK) * this.#size;
    words[at / 4 + 1] = length;
    doubles[at / 8 + 1] = number;
    doubles[at / 8 + 2] = 0;
    words[at / 4] = owner + 1;
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
      bytes: new Uint8Array(memory),
    });
    for (let slot = first + SLOTS_IN_CHUNK - 1; slot >= first; slot--) this.#free.push(slot);
    this.#onGrown(memory);
  }
}
