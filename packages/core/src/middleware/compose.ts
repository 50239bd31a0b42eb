import { ConfigError } from '../errors/errors.ts';

/** One layer of an onion, and whose it is. */
export interface Layer<C, R> {
  readonly name: string;
  readonly around: (context: C, next: () => Promise<R>) => Promise<R>;
}

/** The layers as one function round `core`, the first outermost. With no layers it is `core` itself. */
export function compose<C, R>(
  layers: readonly Layer<C, R>[],
  core: (context: C) => Promise<R>,
): (context: C) => Promise<R> {
  return layers.reduceRight<(context: C) => Promise<R>>(
    (inner, layer) => (context) => enter(layer, context, inner),
    core,
  );
}

async function enter<C, R>(layer: Layer<C, R>, context: C, inner: (context: C) => Promise<R>): Promise<R> {
  let called = false;
  return layer.around(context, () => {
    if (called) {
      throw new ConfigError(`middleware ${layer.name} called next() twice; call it once`, {
        code: 'MIDDLEWARE_NEXT_TWICE',
      });
    }
    called = true;
    return inner(context);
  });
}
