// How late delayed messages start. All are sent first, and become due evenly.
import { payload } from './contenders.mjs';
import { manager } from './redis-contenders.mjs';

/** Each contender measures the lateness in milliseconds of `count` messages that become due evenly over `overMs`. */
export function delays({ url, port, peers }) {
  const { Queue, Worker } = peers('bullmq');
  const connection = { port, host: '127.0.0.1', maxRetriesPerRequest: null };
  const bulk = 1_000;
  /** `send` gets due times, at most `bulk` in one call. The handler calls `ran` with its due time. */
  const measure = async (count, overMs, listen, send) => {
    const late = [];
    let all;
    const finished = new Promise((resolve) => {
      all = resolve;
    });
    const stop = await listen((dueAt) => late.push(Date.now() - dueAt) === count && all());
    // The moment at which all have been sent.
    const firstAt = Date.now() + 3_000;
    for (let from = 0; from < count; from += bulk) {
      await send(
        Array.from(
          { length: Math.min(bulk, count - from) },
          (_, n) => firstAt + Math.round(((from + n) * overMs) / count),
        ),
      );
    }
    await finished;
    await stop();
    return late;
  };
  return {
    async brokkr(count, overMs) {
      const tm = await manager(url);
      let heard;
      const task = tm.task({ name: 'due' }, async (dueAt, _payload) => {
        heard(dueAt);
      });
      const listen = async (ran) => {
        heard = ran;
        await tm.createWorker({ concurrency: 50 }).start();
        return () => tm.close();
      };
      return measure(count, overMs, listen, (dueAts) =>
        Promise.all(dueAts.map((dueAt) => task.with({ eta: new Date(dueAt) }).send(dueAt, payload))),
      );
    },
    async bullmq(count, overMs) {
      const queue = new Queue('bench', { connection });
      const listen = async (ran) => {
        const worker = new Worker('bench', async (job) => ran(job.data.dueAt), { connection, concurrency: 50 });
        await worker.waitUntilReady();
        return async () => {
          await worker.close();
          await queue.close();
        };
      };
      return measure(count, overMs, listen, (dueAts) =>
        queue.addBulk(
          dueAts.map((dueAt) => ({
            name: 'due',
            data: { dueAt, ...payload },
            opts: { delay: Math.max(0, dueAt - Date.now()), removeOnComplete: true },
          })),
        ),
      );
    },
  };
}
