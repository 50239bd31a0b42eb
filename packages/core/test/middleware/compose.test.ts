import { describe, expect, it } from 'vitest';
import { compose, type Layer } from '../../src/middleware/compose.ts';

type Around = (context: string, next: () => Promise<string>) => unknown;

/** A layer without types: its function may return anything. */
function layer(name: string, around: Around): Layer<string, string> {
  return { name, around: around as Layer<string, string>['around'] };
}

/** A promise that stays pending until the test rejects it. */
function failing() {
  let fail: (error: Error) => void = () => undefined;
  const answer = new Promise<string>((_, reject) => {
    fail = reject;
  });
  return { answer, fail };
}

/** Returns whether a promise is settled by now. */
async function hasEnded(promise: Promise<unknown>): Promise<boolean> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  promise.then(end, end);
  await new Promise((resolve) => setImmediate(resolve));
  return ended;
}

const whole = (around: Around, core: () => Promise<string>, answer: 'replaceable' | "the core's" = 'replaceable') =>
  compose([layer('audit', around)], core, answer)('context');

describe('a layer', () => {
  it('that ends without next fails with its name, and the core is not called', async () => {
    let calls = 0;
    const core = async () => `called ${++calls}`;
    await expect(whole(async () => 'fine', core)).rejects.toMatchObject({
      code: 'MIDDLEWARE_SKIPPED',
      message: expect.stringContaining('middleware audit'),
    });
    await expect(whole(() => undefined, core, "the core's")).rejects.toMatchObject({ code: 'MIDDLEWARE_SKIPPED' });
    expect(calls).toBe(0);
  });

  it('refuses with the error that it throws', async () => {
    const refusal = new Error('not on Sundays');
    await expect(
      whole(
        () => {
          throw refusal;
        },
        async () => 'core',
      ),
    ).rejects.toBe(refusal);
  });

  it('gets an error from next after it has ended', async () => {
    let calls = 0;
    let late: (() => Promise<string>) | undefined;
    await expect(
      whole(
        async (_, next) => {
          late = next;
        },
        async () => `called ${++calls}`,
      ),
    ).rejects.toMatchObject({ code: 'MIDDLEWARE_SKIPPED' });
    await expect(late?.()).rejects.toMatchObject({ code: 'MIDDLEWARE_SKIPPED' });
    expect(calls).toBe(0);
  });

  it('that does not await next ends with it, and fails with its error', async () => {
    const { answer, fail } = failing();
    const forgetful: Around = (_, next) => {
      void next();
    };
    const running = whole(forgetful, () => answer);
    expect(await hasEnded(running)).toBe(false);
    fail(new Error('boom'));
    await expect(running).rejects.toThrow('boom');
  });

  it('that stops waiting for next ends with it, and fails with its own error', async () => {
    const { answer, fail } = failing();
    const impatient: Around = async (_, next) => {
      void next();
      throw new Error('too slow');
    };
    const running = whole(impatient, () => answer);
    expect(await hasEnded(running)).toBe(false);
    fail(new Error('boom'));
    await expect(running).rejects.toThrow('too slow');
  });

  it('may replace a result or an error that it has awaited', async () => {
    expect(
      await whole(
        async (_, next) => `${await next()}!`,
        async () => 'core',
      ),
    ).toBe('core!');
    const swallow: Around = async (_, next) => next().catch(() => 'none');
    expect(await whole(swallow, async () => Promise.reject(new Error('boom')))).toBe('none');
  });
});

describe('if the result of the core counts', () => {
  it('each layer gets that result, whatever inner layers return', async () => {
    const seen: string[] = [];
    const layers = [
      layer('outer', async (_, next) => void seen.push(await next())),
      layer('inner', async (_, next) => {
        await next();
        return 'forged';
      }),
    ];
    expect(await compose(layers, async () => 'receipt', "the core's")('context')).toBe('receipt');
    expect(seen).toEqual(['receipt']);
  });

  it('no layer swallows the error of the core', async () => {
    const swallow: Around = async (_, next) => next().catch(() => 'fine');
    await expect(whole(swallow, async () => Promise.reject(new Error('away')), "the core's")).rejects.toThrow('away');
  });
});

it('without layers compose returns the core itself', () => {
  const core = async () => 'core';
  expect(compose([], core, 'replaceable')).toBe(core);
});
