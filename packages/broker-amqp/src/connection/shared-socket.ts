import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ChannelModel } from 'amqplib';

/** Fields of a shared socket, for the thread. */
export const SOCKET_LAYOUT = { lock: 0, descriptor: 1, isWriting: 2 } as const;
const { lock: LOCK, descriptor: DESCRIPTOR, isWriting: IS_WRITING } = SOCKET_LAYOUT;
const NONE = -1;
/** The thread holds the lock for one system call. It keeps it only if it was ended in the middle of that. */
const LONGEST_LOCK_MS = 100;

type Written = (error?: Error | null) => void;

/** The methods of a socket that write to the operating system, and end it. Node lets subclasses replace them. */
interface Inside {
  _write(chunk: unknown, encoding: BufferEncoding, done: Written): void;
  _writev?(chunks: readonly unknown[], done: Written): void;
  _destroy(error: Error | null, done: Written): void;
  readonly _handle?: { readonly fd?: number } | null;
}

/**
 * Lets a thread write a whole frame to the socket of the event loop, by the number of its file descriptor. Three rules
 * make that safe. The event loop and the thread write under one lock. While the operating system has taken only part of
 * a write, the thread writes nothing: it would write into a frame. And the number is removed before the socket is closed:
 * the operating system gives it to another file.
 */
export class SharedSocket {
  readonly memory = new Int32Array(new SharedArrayBuffer(12)).fill(NONE, DESCRIPTOR, DESCRIPTOR + 1);

  #stream: unknown;
  #onRefused: (() => void) | undefined;

  /** A connection is open. Its socket is shared if another user shares it. */
  adopt(model: ChannelModel): void {
    ({ stream: this.#stream } = model.connection as { readonly stream?: unknown });
    if (this.#onRefused !== undefined) this.#share();
  }

  /**
   * Shares the socket of the connection, and those of later ones.
   * @param onRefused called for a socket to which only the event loop can write: with TLS, and on Windows
   */
  share(onRefused: () => void): void {
    this.#onRefused = onRefused;
    if (this.#stream !== undefined) this.#share();
  }

  #share(): void {
    const stream = this.#stream;
    const socket = stream as Inside;
    const descriptor = socket._handle?.fd ?? NONE;
    if (!(stream instanceof Socket) || stream instanceof TLSSocket || descriptor < 0 || socket._writev === undefined) {
      this.#onRefused?.();
      return;
    }
    const { _write: write, _writev: writev, _destroy: destroy } = socket;
    const { memory } = this;
    socket._write = (chunk, encoding, done) => {
      this.#write(descriptor, done, (written) => write.call(stream, chunk, encoding, written));
    };
    socket._writev = (chunks, done) => {
      this.#write(descriptor, done, (written) => writev.call(stream, chunks, written));
    };
    socket._destroy = (error, done) => {
      this.#locked(() => {
        if (memory[DESCRIPTOR] === descriptor) memory[DESCRIPTOR] = NONE;
      });
      destroy.call(stream, error, done);
    };
    this.#locked(() => {
      memory[IS_WRITING] = 0;
      memory[DESCRIPTOR] = descriptor;
    });
  }

  #write(descriptor: number, done: Written, write: (written: Written) => void): void {
    const { memory } = this;
    const isShared = memory[DESCRIPTOR] === descriptor;
    if (!isShared) {
      write(done);
      return;
    }
    this.#locked(() => {
      memory[IS_WRITING] = 1;
      // Called at once if the operating system has taken all bytes.
      write((error) => {
        if (memory[DESCRIPTOR] === descriptor) memory[IS_WRITING] = 0;
        done(error);
      });
    });
  }

  #locked(act: () => void): void {
    const { memory } = this;
    const isHeld = Atomics.compareExchange(memory, LOCK, 0, 1) !== 0;
    if (isHeld) {
      Atomics.wait(memory, LOCK, 1, LONGEST_LOCK_MS);
      Atomics.store(memory, LOCK, 1);
    }
    try {
      act();
    } finally {
      Atomics.store(memory, LOCK, 0);
    }
  }
}
