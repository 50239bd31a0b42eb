import { ConfigError } from '../errors/errors.ts';

/** One layer of an onion, and whose it is. */
export interface Layer<C, R> {
  readonly name: string;
  readonly around: (context: C, next: () => Promise<R>) => Promise<R>;
}

/** Whose answer counts: a layer may put its own in place of the core's, or it may not. */
type Answer = 'replaceable' | "the core's";

/**
 * The layers as one function round `core`, the first outermost. With no layers it is `core` itself. Whatever a layer
 * forgets, the whole succeeds only where the core was called and has ended.
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
  /** What `next` gave; `undefined` until it is called. */
  #inside: Promise<R> | undefined;
  #isPending = false;
  #isOver = false;

  constructor(layer: Layer<C, R>, inner: (context: C) => Promise<R>, context: C) {
    this.#layer = layer;
    this.#inner = inner;
    this.#context = context;
  }

  /** @throws ConfigError where the layer calls `next` not at all (`MIDDLEWARE_SKIPPED`), or twice; what it throws */
  async through(answer: Answer): Promise<R> {
    let given: R;
    try {
      given = await this.#layer.around(this.#context, () => this.#next());
    } catch (error) {
      // It may have given up waiting: what it let in has to end before anybody settles. Its own word counts.
      if (this.#isPending) await this.#inside?.catch(() => undefined);
      throw error;
    } finally {
      this.#isOver = true;
    }
    if (this.#inside === undefined) throw this.#skipped();
    if (answer === "the core's") return this.#inside;
    // It did not await `next`, so that it cannot have meant to swallow what comes of it.
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
    // A rejection that the layer does not await is not unhandled: it is told above.
    this.#inside.then(ended, ended);
    return this.#inside;
  }

  #skipped(): ConfigError {
    return new ConfigError(
      `middleware ${this.#layer.name} ended without calling next(); call it, or throw in order to refuse`,
      { code: 'MIDDLEWARE_SKIPPED' },
    );
  }
}

/** Nobody may be there to hear it. */
function harmless<T>(rejection: Promise<T>): Promise<T> {
  rejection.catch(() => undefined);
  return rejection;
}
