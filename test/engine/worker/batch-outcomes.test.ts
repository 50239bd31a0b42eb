import { type Batch, readDeadLetter, RetryLater, TaskCancelledError } from '@brokkr/core';
import { firstMessages } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import { batchBench } from './batch-bench.ts';

describe('outcomes of a batch', () => {
  it('settle alone: failed, later, with a result, and the rest succeeds', async () => {
    const seen: (readonly [string, number])[] = [];
    const { clock, worker, task, events, send } = batchBench({ batch: { size: 4 }, result: '1h' }, (items, batch) => {
      for (const [at, item] of items.entries()) {
        seen.push([item, batch.message(at).attempt]);
        if (item === 'bad') batch.fail(at, new TypeError('bad doc'));
        if (item === 'later' && seen.length <= 4) batch.retryLater(at, '10s', 'not yet');
        if (item === 'value') batch.result(at, { n: 7 });
      }
    });
    await worker.start();
    const handles = await send('ok', 'bad', 'later', 'value');
    await clock.advance(500);
    expect(events.sort()).toEqual(['retrying bad', 'retrying later', 'succeeded ok', 'succeeded value']);
    expect(await handles[3]?.result()).toEqual({ n: 7 });
    expect(await handles[0]?.result()).toBeUndefined();
    for (let second = 0; second < 30; second++) await clock.advance(1_000);
    expect(seen.filter(([item]) => item === 'later')).toEqual([
      ['later', 1],
      ['later', 1],
    ]);
    expect(seen.filter(([item]) => item === 'bad')).toEqual([
      ['bad', 1],
      ['bad', 2],
      ['bad', 3],
    ]);
    await expect(handles[1]?.result()).rejects.toThrow('bad doc');
    expect(await task.handle(handles[2]?.id as string).status()).toEqual({ state: 'succeeded' });
  });

  it('are those of the error if the handler throws, except for messages that failed on their own', async () => {
    const { clock, broker, worker, send } = batchBench({ maxRetries: 0 }, (_items, batch) => {
      batch.result(0, 'stored');
      batch.fail(1, new RangeError('its own'));
      throw new TypeError('the bulk call failed');
    });
    await worker.start();
    await send('a', 'b', 'c');
    await clock.advance(100);
    const letters = await firstMessages(broker.inspector, 'default', 'dead', 5);
    expect(letters.map((letter) => readDeadLetter(letter).reason)).toEqual([
      'TypeError: the bulk call failed',
      'RangeError: its own',
      'TypeError: the bulk call failed',
    ]);
  });

  it('a RetryLater of the handler delays all of them, and counts no attempt', async () => {
    const attempts: number[] = [];
    const { clock, worker, calls, send } = batchBench({}, (_, batch) => {
      attempts.push(batch.message(0).attempt);
      if (attempts.length === 1) throw new RetryLater('10s');
    });
    await worker.start();
    await send('a', 'b', 'c');
    for (let second = 0; second < 20; second++) await clock.advance(1_000);
    expect(calls).toHaveLength(2);
    expect(attempts).toEqual([1, 1]);
  });

  it('of one message with a hundred: the poison message alone is dead, whether it fails alone or fails all', async () => {
    for (const failsAll of [false, true]) {
      const { clock, broker, worker, send } = batchBench({ batch: { size: 100 } }, (items, batch) => {
        const at = items.indexOf('poison');
        if (at === -1) return;
        if (failsAll) throw new Error('poison');
        batch.fail(at, new Error('poison'));
      });
      await worker.start();
      const handles = await send(...Array.from({ length: 100 }, (_, n) => (n === 40 ? 'poison' : `i${n}`)));
      for (let second = 0; second < 60; second++) await clock.advance(1_000);
      expect(await broker.inspector.counts('default')).toMatchObject({
        acknowledged: 99,
        dead: 1,
        delayed: 0,
        ready: 0,
      });
      const [letter] = await firstMessages(broker.inspector, 'default', 'dead', 2);
      expect(letter?.id).toBe(handles[40]?.id);
    }
  });

  it.each([-1, 3, 0.5, Number.NaN, '0' as never])('refuse an item that does not exist: %o', async (at) => {
    const errors: unknown[] = [];
    const { clock, worker, send } = batchBench({}, (_, batch) => {
      for (const call of [
        () => batch.fail(at, new Error('x')),
        () => batch.result(at, 1),
        () => batch.retryLater(at, '1s'),
        () => batch.message(at),
        () => batch.isOpen(at),
        () => batch.fence(at),
      ]) {
        try {
          call();
        } catch (error) {
          errors.push((error as { code?: string }).code);
        }
      }
    });
    await worker.start();
    await send('a', 'b', 'c');
    await clock.advance(100);
    expect(errors).toEqual(Array.from({ length: 6 }, () => 'BATCH_INDEX_INVALID'));
  });
});

describe('one message of a batch', () => {
  it('is cancelled while it gathers, and the others run', async () => {
    const { clock, worker, calls, events, send } = batchBench({ result: '1h' }, () => undefined);
    await worker.start();
    const [a, b] = await send('a', 'b');
    await clock.advance(100);
    const cancelling = b?.cancel({ running: true });
    await clock.advance(100);
    expect(await cancelling).toBe(true);
    await send('c', 'd');
    await clock.advance(100);
    expect(calls).toEqual([['a', 'c', 'd']]);
    expect(events.filter((event) => event.startsWith('cancelled'))).toEqual(['cancelled b']);
    await expect(b?.result()).rejects.toThrow(TaskCancelledError);
    expect((await a?.status())?.state).toBe('succeeded');
  });

  it('is cancelled while it runs: its outcome has no effect, and the others go on', async () => {
    let finish: () => void = () => undefined;
    let seen: Batch | undefined;
    const { clock, worker, events, send } = batchBench({}, (_, batch) => {
      seen = batch;
      return new Promise<void>((resolve) => (finish = resolve));
    });
    await worker.start();
    const [, b] = await send('a', 'b', 'c');
    await clock.advance(100);
    const cancelling = b?.cancel({ running: true });
    await clock.advance(100);
    expect(await cancelling).toBe(true);
    expect(events).toEqual(['cancelled b']);
    expect([seen?.isOpen(0), seen?.isOpen(1), seen?.signal.aborted]).toEqual([true, false, false]);
    seen?.fail(1, new Error('too late'));
    finish();
    await clock.advance(100);
    expect(events.sort()).toEqual(['cancelled b', 'succeeded a', 'succeeded c']);
  });

  it('expires while it gathers, and the others run', async () => {
    const { clock, task, worker, calls, events, send } = batchBench(
      { batch: { size: 3, timeout: '10s' } },
      () => undefined,
    );
    await worker.start();
    await task.with({ expiresIn: '5s' }).send('old');
    await send('a');
    for (let second = 0; second < 11; second++) await clock.advance(1_000);
    expect(calls).toEqual([['a']]);
    expect(events.sort()).toEqual(['expired ?', 'succeeded a']);
  });
});
