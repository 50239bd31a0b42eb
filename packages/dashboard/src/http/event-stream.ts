import { SECURITY_HEADERS } from './security-headers.ts';

/** A client that is so far behind is cut off: it connects again, and gets everything. */
const MOST_BEHIND = 1_048_576;
/** Proxies close connections that are silent for longer, and the page counts 20 s of silence as a loss. */
const COMMENT_MS = 15_000;

const encoder = new TextEncoder();

/** One event of a stream, as `text/event-stream`. @param data JSON, which has no line breaks */
export function frame(data: string): string {
  return `data: ${data}\n\n`;
}

/** The answer to a request for live events. */
export class EventStream {
  readonly response: Response;
  readonly #onEnd: () => void;
  readonly #timer: NodeJS.Timeout;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  /** @param onEnd called once, when the client or the server has ended the stream */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.#ended(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: 65_536 }),
    );
    this.response = new Response(body, {
      headers: {
        ...SECURITY_HEADERS,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      },
    });
    this.#write(': live\n\n');
    this.#timer = setInterval(() => this.#write(':\n\n'), COMMENT_MS).unref();
  }

  send(frames: string): void {
    if (frames !== '') this.#write(frames);
  }

  /** Ends the stream. The client may open another one. */
  end(): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    this.#ended();
    controller.close();
  }

  #write(text: string): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    if ((controller.desiredSize ?? 0) < -MOST_BEHIND) {
      this.#ended();
      controller.error(new Error('the client reads too slowly'));
      return;
    }
    controller.enqueue(encoder.encode(text));
  }

  #ended(): void {
    if (this.#controller === undefined) return;
    this.#controller = undefined;
    clearInterval(this.#timer);
    this.#onEnd();
  }
}
