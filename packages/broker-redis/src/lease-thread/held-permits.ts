import type { LoopGuard, Permit, PermitRequest } from '@brokkr/core/adapter';
import type { Keys } from '../keys.ts';

/** Bytes of a slot: length of the key plus 1 (0: free), length of the text, lease, end of the run, then key and token. */
const SLOT = 384;
/** Up to 300 bytes of a key, and a token. */
const TEXT_AT = 24;
const LONGEST_TEXT = SLOT - TEXT_AT;
const SLOTS_IN_CHUNK = 1_024;
const MOST_CHUNKS = 64;
const LAST_ASCII = 0x7f;
const NONE = -1;
/** A power of two. */
const BUCKETS = 4_096;

/** Where the fields of a slot are, for the thread. */
export const PERMIT_LAYOUT = { bytes: SLOT, idAt: TEXT_AT, slots: SLOTS_IN_CHUNK } as const;

interface Chunk {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
}

/**
 * The slots of limits that the handlers of this process hold, in memory that a thread shares. The event loop writes each when
 * its handler starts, because it cannot write anything once a handler blocks it. Not guarded: keys and tokens over 360
 * characters, or other than ASCII, and permits beyond 65,536.
 *
 * They are found by numbers alone. A `Map` by token cost 2 µs for each message: a busy one grows and shrinks, and leaves old
 * tables behind, through which the garbage collector keeps former members alive.
 */
export class HeldPermits {
  readonly #guard: LoopGuard;
  readonly #keys: Keys;
  readonly #onGrown: (memory: SharedArrayBuffer) => void;
  readonly #chunks: Chunk[] = [];
  readonly #free: number[] = [];
  /** The first slot of each bucket of tokens. */
  readonly #first = new Int32Array(BUCKETS).fill(NONE);
  /** For each slot, the next one of its bucket. */
  readonly #next: number[] = [];
  /** For each slot, the token that it holds, or held last. */
  readonly #tokens: string[] = [];
  /** For each slot, the key that its bytes hold: the next permit in it mostly has the same. */
  readonly #prefixes: string[] = [];
  /** The name of the last key: messages of one fetch mostly have the same. */
  #last = { limit: '', key: '', prefix: '' };

  /** @param onGrown called with memory that the thread has to read too */
  constructor(guard: LoopGuard, keys: Keys, onGrown: (memory: SharedArrayBuffer) => void) {
    this.#guard = guard;
    this.#keys = keys;
    this.#onGrown = onGrown;
  }

  /** A handler starts, and must have ended by `until`. @param request its permits, if it holds some */
  runs(request: PermitRequest | undefined, until: number, leaseMs: number): void {
    const deadline = this.#guard.started(until);
    if (request === undefined) return;
    const { token, demands } = request;
    for (const { limit, key, rule } of demands)
      if (rule.kind === 'concurrency') this.#runs(this.#prefixOf(limit, key), token, leaseMs, deadline);
  }

  /** The message of a run was lost: its slots must lapse. */
  lost({ token, demands }: PermitRequest): void {
    this.ended(demands.map(({ limit, key }) => ({ limit, key, token })));
  }

  /** Slots are given back. */
  ended(permits: readonly Permit[]): void {
    for (const { limit, key, token } of permits) this.#ended(this.#prefixOf(limit, key), token);
  }

  #runs(prefix: string, token: string, leaseMs: number, deadline: number): void {
    const bucket = bucketOf(token);
    const first = this.#first[bucket] as number;
    let slot = first;
    while (slot !== NONE && !this.#holds(slot, prefix, token)) slot = this.#next[slot] as number;
    if (slot === NONE) {
      if (prefix.length + token.length > LONGEST_TEXT) return;
      if (this.#free.length === 0) this.#grow();
      const free = this.#free.pop();
      if (free === undefined) return;
      slot = free;
      if (!this.#write(slot, prefix, token, leaseMs)) {
        this.#free.push(slot);
        return;
      }
      this.#next[slot] = first;
      this.#first[bucket] = slot;
    }
    const { words, doubles } = this.#chunkOf(slot);
    const at = (slot % SLOTS_IN_CHUNK) * SLOT;
    doubles[at / 8 + 2] = deadline;
    words[at / 4] = prefix.length + 1;
  }

  #ended(prefix: string, token: string): void {
    const bucket = bucketOf(token);
    let before = NONE;
    let slot = this.#first[bucket] as number;
    while (slot !== NONE && !this.#holds(slot, prefix, token)) {
      before = slot;
      slot = this.#next[slot] as number;
    }
    if (slot === NONE) return;
    this.#chunkOf(slot).words[((slot % SLOTS_IN_CHUNK) * SLOT) / 4] = 0;
    const next = this.#next[slot] as number;
    if (before === NONE) this.#first[bucket] = next;
    else this.#next[before] = next;
    this.#free.push(slot);
  }

  #holds(slot: number, prefix: string, token: string): boolean {
    return this.#tokens[slot] === token && this.#prefixes[slot] === prefix;
  }

  /** @returns false for a token that is not ASCII */
  #write(slot: number, prefix: string, token: string, leaseMs: number): boolean {
    const { words, doubles, bytes } = this.#chunkOf(slot);
    const at = (slot % SLOTS_IN_CHUNK) * SLOT;
    let from = at + TEXT_AT;
    if (this.#prefixes[slot] !== prefix) {
      this.#prefixes[slot] = prefix;
      for (let index = 0; index < prefix.length; index++) bytes[from + index] = prefix.charCodeAt(index);
    }
    from += prefix.length;
    let all = 0;
    for (let index = 0; index < token.length; index++) {
      const code = token.charCodeAt(index);
      bytes[from + index] = code;
      all |= code;
    }
    this.#tokens[slot] = token;
    words[at / 4 + 1] = prefix.length + token.length;
    doubles[at / 8 + 1] = leaseMs;
    return all <= LAST_ASCII;
  }

  #prefixOf(limit: string, key: string): string {
    if (this.#last.limit !== limit || this.#last.key !== key) {
      this.#last = { limit, key, prefix: this.#keys.limit(limit, key) };
    }
    return this.#last.prefix;
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

/** By its end, in which the tokens of one process differ. */
function bucketOf(token: string): number {
  const { length } = token;
  const end = token.charCodeAt(length - 1) + 36 * token.charCodeAt(length - 2) + 1_296 * token.charCodeAt(length - 3);
  return end & (BUCKETS - 1);
}
