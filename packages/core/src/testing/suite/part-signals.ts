import assert from 'node:assert/strict';
import type { Signal } from '../../broker/signals.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';

/** Signals that a listener heard, in order. */
async function listening(
  bench: TestBench,
  broker = bench.broker,
): Promise<{ heard: Signal[]; stop: () => Promise<void> }> {
  const heard: Signal[] = [];
  const stop = await bench.part('signals', broker).listen((signal) => void heard.push(signal));
  bench.onTearDown(stop);
  return { heard, stop };
}

export const signals: Group = {
  name: 'part signals',
  cases(it) {
    it('reach every listener of every process, in order, the own one included', async (bench) => {
      const other = bench.isShared ? await bench.openAnother() : bench.broker;
      const listeners = [await listening(bench), await listening(bench), await listening(bench, other)];
      const sent: Signal[] = ['1', '2', 'ü "\u2028"'].map((body) => ({ topic: 'pause', body }));
      for (const signal of sent) await bench.part('signals').send(signal);
      for (const { heard } of listeners) {
        await bench.until(
          () => heard.length === sent.length,
          2_000,
          () => `${heard.length} of ${sent.length} signals were heard`,
        );
        assert.deepEqual(heard, sent);
      }
    });

    it('are not kept for listeners that come later', async (bench) => {
      await bench.part('signals').send({ topic: 'pause', body: 'early' });
      const { heard } = await listening(bench);
      await bench.part('signals').send({ topic: 'pause', body: 'late' });
      await bench.until(
        () => heard.length > 0,
        2_000,
        () => 'the signal was not heard',
      );
      assert.deepEqual(heard, [{ topic: 'pause', body: 'late' }]);
    });

    it('are heard no more once the listener stopped, which may be said twice', async (bench) => {
      const stopped = await listening(bench);
      const other = await listening(bench);
      await stopped.stop();
      await stopped.stop();
      await bench.part('signals').send({ topic: 'pause', body: '' });
      await bench.until(
        () => other.heard.length === 1,
        2_000,
        () => 'the signal was not heard',
      );
      assert.deepEqual(stopped.heard, []);
    });

    it('of one namespace are not heard in another', async (bench) => {
      bench.needs(bench.isShared, 'the broker lives in one object');
      const foreign = await bench.openAnother(`${bench.queue}-elsewhere`);
      const { heard } = await listening(bench, foreign);
      const own = await listening(bench);
      await bench.part('signals').send({ topic: 'pause', body: '' });
      await bench.until(
        () => own.heard.length === 1,
        2_000,
        () => 'the signal was not heard',
      );
      assert.deepEqual(heard, []);
    });

    it('that are invalid are refused before they are sent', async (bench) => {
      const part = bench.part('signals');
      for (const signal of [
        { topic: '', body: '' },
        { topic: 'a b', body: '' },
        { topic: 'x'.repeat(61), body: '' },
        { topic: 'pause', body: 'ü'.repeat(2_049) },
        { topic: 'pause', body: 7 as never },
      ]) {
        await assert.rejects(async () => part.send(signal), { code: 'SIGNAL_INVALID' });
      }
      await part.send({ topic: 'x'.repeat(60), body: 'x'.repeat(4_096) });
    });

    it('cannot be sent or heard once the broker is closed', async (bench) => {
      const broker = await bench.openAnother();
      const part = bench.part('signals', broker);
      await part.listen(() => undefined);
      await broker.close();
      await assert.rejects(async () => part.send({ topic: 'pause', body: '' }), { code: 'BROKER_CLOSED' });
      await assert.rejects(async () => part.listen(() => undefined), { code: 'BROKER_CLOSED' });
    });
  },
};
