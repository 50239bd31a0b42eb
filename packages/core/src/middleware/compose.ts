import { ConfigError } from '../errors/errors.ts';

/** One middleware function, and the name of its middleware. */
export interface Layer<C, R> {
  readonly name: string;
  readonly around: (context: C, next: () => Promise<R>) => Promise<R>;
  readonly isIdle?: (() => boolean) | undefined;
}

/** Whether no layer has anything to do now, so that the core may be called itself. */
export function areIdle(layers: readonly Pick<Layer<unknown, unknown>, 'isIdle'>[]): boolean {
  for (const { isIdle } of layers) if (isIdle === undefined || !isIdle()) return false;
  return true;
}

/** Whose result the caller gets: that of the outermost layer (`replaceable`), or that of the core. */
type Answer = 'replaceable' | "the core's";

/**
 * Composes layers around `core`; the first one is the outermost. Without layers the result is `core` itself. The
 * composed function resolves only if every layer called `next` and `core` succeeded.
 */
export function compose<C, R>(
  layers: readonly Layer<C, R>[],
  core: (context: C) => Promise<R>,
  answer: Answer,
): (context: C) => Promise<R> {
  return layers.reduceRight<(context: C) => Promise<R>>(
    (inner, layer) => (context) => new Passage(layer, inner, context).through(answer),
    core,
  );
}

/** One call of one layer. */
class Passage<C, R> {
  readonly #layer: Layer<C, R>;
  readonly #inner: (context: C) => Promise<R>;
  readonly #context: C;
  /** The promise that `next` returned; `undefined` until it is called. */
  #inside: Promise<R> | undefined;
  #isPending = false;
  #isOver = false;

  constructor(layer: Layer<C, R>, inner: (context: C) => Promise<R>, context: C) {
    this.#layer = layer;
    this.#inner = inner;
    this.#context = context;
  }

  /** @throws ConfigError if the layer never calls `next` (`MIDDLEWARE_SKIPPED`); any error that the layer throws */
  async through(answer: Answer): Promise<R> {
    let given: R;
    try {
      given = await this.#layer.around(this.#context, () => this.#next());
    } catch (error) {
      // The layer may have thrown without awaiting `next`. The handler must end before its message is settled. The
      // error of the layer is the outcome.
      if (this.#isPending) await this.#inside?.catch(() => undefined);
      throw error;
    } finally {
      this.#isOver = true;
    }
    if (this.#inside === undefined) throw this.#skipped();
    if (answer === "the core's") return this.#inside;
    // The layer did not await `next`, and therefore cannot have handled its error.
    if (this.#isPending) await this.#inside;
    return given;
  }

  #next(): Promise<R> {
    if (this.#inside !== undefined) {
      throw new ConfigError(`middleware ${this.#layer.name} called next() twice; call it once`, {
        code: 'MIDDLEWARE_NEXT_TWICE',
      });
    }
    if (this.#isOver) return harmless(Promise.reject(this.#skipped()));
    const ended = () => {
      this.#isPending = false;
    };
    this.#isPending = true;
    this.#inside = this.#inner(this.#context);
    // The error is reported above: Node must not report it as unhandled if the layer does not await `next`.
    this.#inside.then(ended, ended);
    return this.#inside;
  }

  #skipped(): ConfigError {
    return new ConfigError(
      `middleware ${this.#layer.name} ended without calling next(); call it, or throw an error to refuse the message`,
      { code: 'MIDDLEWARE_SKIPPED' },
    );
  }
}

/** Marks the rejection as handled: the layer may not await it. */
function harmless<T>(rejection: Promise<T>): Promise<T> {
  rejection.catch(() => undefined);
  return rejection;
}
