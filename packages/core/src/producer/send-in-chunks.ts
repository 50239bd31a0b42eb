import { BrokerUnavailableError } from '../errors/errors.ts';
import type { SendBatch } from '../middleware/middleware.ts';
import type { TaskHandle } from '../task/task-handle.ts';
import { SendManyError } from './send-many-error.ts';
import type { SendOutcome } from './send-outcome.ts';
import { CHUNK, type SendTurns } from './send-turns.ts';

/** Most bytes of the bodies of one chunk: it blocks the event loop for a few milliseconds. */
const CHUNK_BYTES = 262_144;
/** Chunks of one call that wait for the broker at the same time. */
const MOST_IN_FLIGHT = 4;

/** A message that is checked and encoded. */
export interface SizedDraft {
  readonly body: Uint8Array;
}

export interface ChunkPorts<D extends SizedDraft> {
  /** Shared by all calls of a producer. */
  readonly turns: SendTurns;
  /** Checks and encodes one message. */
  draft(args: readonly unknown[]): Promise<D>;
  /** Is called once, before the first message is published. */
  open(): Promise<void>;
  publish(draft: D, batch: SendBatch): Promise<TaskHandle>;
  /** What became of a draft whose publishing was rejected. */
  outcomeOf(draft: D, error: unknown): SendOutcome;
}

export type Batch = Iterable<readonly unknown[]> | AsyncIterable<readonly unknown[]>;

/**
 * Sends messages chunk by chunk, and lets the event loop and other calls take turns in between. A list is checked whole before anything is sent.
 * Of any other iterable one chunk at a time is taken, checked and sent, so that memory is bounded by chunks.
 * @throws the error of the first message at fault, if nothing was sent before
 * @throws SendManyError if some messages are not stored, or may not be
 */
export async function sendInChunks<D extends SizedDraft>(batch: Batch, ports: ChunkPorts<D>): Promise<TaskHandle[]> {
  const sending = new ChunkedSending(ports);
  if (Array.isArray(batch)) await sendList([...(batch as readonly (readonly unknown[])[])], sending);
  else await sendIterable(batch, sending);
  return sending.finish();
}

async function sendList<D extends SizedDraft>(
  list: readonly (readonly unknown[])[],
  sending: ChunkedSending<D>,
): Promise<void> {
  const chunks: Chunk<D>[] = [];
  const { turns, draft } = sending.ports;
  for (let from = 0; from < list.length; ) {
    const chunk = new Chunk<D>();
    const most = Math.min(CHUNK, list.length - from);
    const turn = turns.check(most);
    if (turn !== undefined) await turn;
    for (const end = from + most; from < end && !chunk.isFull; from++) {
      chunk.add(await draft(list[from] as readonly unknown[]));
    }
    chunks.push(chunk);
  }
  for (const one of chunks) await sending.send(one);
}

async function sendIterable<D extends SizedDraft>(batch: Batch, sending: ChunkedSending<D>): Promise<void> {
  const { turns } = sending.ports;
  let chunk = new Chunk<D>();
  try {
    for await (const args of batch) {
      if (chunk.drafts.length === 0) await turns.check(CHUNK);
      chunk.add(await sending.ports.draft(args));
      if (!chunk.isFull) continue;
      await sending.send(chunk);
      if (sending.hasFailed) return;
      chunk = new Chunk();
    }
  } catch (error) {
    if (sending.isEmpty) throw error;
    sending.refuse(chunk.drafts.length + 1, error as Error);
    return;
  }
  if (chunk.drafts.length > 0) await sending.send(chunk);
}

class Chunk<D extends SizedDraft> {
  readonly drafts: D[] = [];
  #bytes = 0;

  /** Messages, or as many as would have the same bytes: at most those of a full chunk. */
  get weight(): number {
    const asMany = Math.ceil((this.#bytes / CHUNK_BYTES) * CHUNK);
    return Math.min(CHUNK, Math.max(this.drafts.length, asMany));
  }

  get isFull(): boolean {
    return this.drafts.length >= CHUNK || this.#bytes >= CHUNK_BYTES;
  }

  add(draft: D): void {
    this.drafts.push(draft);
    this.#bytes += draft.body.byteLength;
  }
}

/** The chunks of one `sendMany`, and the outcome of each message. */
class ChunkedSending<D extends SizedDraft> {
  readonly ports: ChunkPorts<D>;
  readonly #handles: (TaskHandle | undefined)[] = [];
  readonly #errors: (Error | undefined)[] = [];
  readonly #outcomes: SendOutcome[] = [];
  readonly #inFlight: Promise<void>[] = [];
  #isOpen = false;
  #failure: Error | undefined;

  constructor(ports: ChunkPorts<D>) {
    this.ports = ports;
  }

  get isEmpty(): boolean {
    return this.#outcomes.length === 0;
  }

  /** Whether the broker stored nothing of a whole chunk: the next ones are not sent, or each would wait for a timeout. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Sends a chunk. Resolves when the next one may be sent. */
  async send({ drafts, weight }: Chunk<D>): Promise<void> {
    const { turns } = this.ports;
    if (!this.#isOpen) {
      await this.ports.open();
      this.#isOpen = true;
    }
    const turn = turns.publish(weight);
    if (turn !== undefined) await turn;
    if (this.#failure !== undefined) {
      turns.settled(weight);
      this.refuse(drafts.length, this.#failure);
      return;
    }
    const from = this.#outcomes.length;
    for (let index = 0; index < drafts.length; index++) this.#note(from + index, undefined, undefined, 'unknown');
    this.#inFlight.push(this.#publish(drafts, from).finally(() => turns.settled(weight)));
    if (this.#inFlight.length >= MOST_IN_FLIGHT) await this.#inFlight.shift();
  }

  /** Notes messages that were not sent. */
  refuse(count: number, cause: Error): void {
    const error = new BrokerUnavailableError(`not sent, because an earlier message failed: ${cause.message}`, {
      cause,
      mayBeStored: false,
    });
    const from = this.#outcomes.length;
    for (let index = 0; index < count; index++) this.#note(from + index, undefined, error, 'not stored');
  }

  /** @throws SendManyError if a message is not stored, or may not be */
  async finish(): Promise<TaskHandle[]> {
    await Promise.all(this.#inFlight);
    const handles = this.#handles;
    if (handles.every((handle) => handle !== undefined)) return handles;
    throw new SendManyError(handles, this.#errors, this.#outcomes);
  }

  async #publish(drafts: readonly D[], from: number): Promise<void> {
    const batch = { size: drafts.length };
    const settled = await Promise.allSettled(drafts.map((draft) => this.ports.publish(draft, batch)));
    let isAnyStored = false;
    for (const [index, outcome] of settled.entries()) {
      if (outcome.status === 'fulfilled') {
        isAnyStored = true;
        this.#note(from + index, outcome.value, undefined, 'stored');
      } else {
        const error = outcome.reason as Error;
        this.#note(from + index, undefined, error, this.ports.outcomeOf(drafts[index] as D, error));
      }
    }
    const [first] = settled;
    if (!isAnyStored && first?.status === 'rejected') this.#failure ??= first.reason as Error;
  }

  #note(at: number, handle: TaskHandle | undefined, error: Error | undefined, outcome: SendOutcome): void {
    this.#handles[at] = handle;
    this.#errors[at] = error;
    this.#outcomes[at] = outcome;
  }
}
