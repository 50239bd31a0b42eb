import type { ResultStore } from '@brokkr/core/adapter';
import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { BrokerUnavailableError, currentTask, type TaskHandle, TaskManager } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, describe, expect, it } from 'vitest';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

interface Bench {
  readonly clock: ManualClock;
  readonly sleep: (ms: number) => Promise<void>;
}

/** A task with this handler, its worker, and a broker that may be changed before it is used. */
async function bench(
  handler: (bench: Bench) => Promise<unknown>,
  change: (broker: MemoryBroker) => void = () => undefined,
  maxRetries = 0,
) {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  change(broker);
  const tm = TaskManager.getInstance(`progress-${randomUUID()}`).configure({ broker, clock, logLevel: 'silent' });
  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
  const task = tm.task({ name: 'job', maxRetries, retryDelay: '1s' }, () => handler({ clock, sleep }));
  await tm.createWorker().start();
  cleanUps.push(async () => {
    const closing = tm.close();
    await clock.advance(40_000);
    await closing;
  });
  return { clock, broker, tm, task, sleep };
}

/** Collects the progress of a message. */
function collect(handle: TaskHandle): { readonly seen: unknown[]; readonly ended: Promise<void>; isOver: boolean } {
  const collected = { seen: [] as unknown[], isOver: false, ended: Promise.resolve() };
  collected.ended = (async () => {
    for await (const value of handle.progress()) collected.seen.push(value);
    collected.isOver = true;
  })();
  return collected;
}

/** The result store of `broker`, counting what is stored. */
function counting({ results }: MemoryBroker): ResultStore & { readonly stored: string[] } {
  const stored: string[] = [];
  return {
    ...results,
    stored,
    load: results.load.bind(results),
    store: async (id, bytes, ttlMs, options) => {
      stored.push(Buffer.from(bytes).toString());
      await results.store(id, bytes, ttlMs, options);
    },
  };
}

/** Lets `broker` lose every lease at its renewal, unless `before` throws. Returns its result store, as `counting` does. */
function losing(broker: MemoryBroker, before: () => void): ReturnType<typeof counting> {
  const store = counting(broker);
  Object.defineProperty(broker, 'results', { value: store });
  const subscribe = broker.subscribe.bind(broker);
  broker.subscribe = async (queue, options) => {
    const subscription = await subscribe(queue, options);
    subscription.extend = async (deliveries) => {
      before();
      return deliveries;
    };
    return subscription;
  };
  return store;
}

describe('the progress of a task', () => {
  it('comes live, and ends with the message', async () => {
    const { clock, task } = await bench(async ({ sleep }) => {
      for (let done = 1; done <= 3; done++) {
        currentTask().progress({ done, of: 3 });
        await sleep(1_000);
      }
    });
    const handle = await task.with({ delay: '1s' }).send();
    const collected = collect(handle);
    await clock.advance(1_000);
    expect(collected.seen).toEqual([{ done: 1, of: 3 }]);
    await clock.advance(3_000);
    await collected.ended;
    expect(collected.seen).toEqual([1, 2, 3].map((done) => ({ done, of: 3 })));
  });

  it('begins with the latest value, in any process and after the end', async () => {
    const { clock, task } = await bench(async ({ sleep }) => {
      currentTask().progress('early');
      await sleep(1_000);
      currentTask().progress('late');
      await sleep(1_000);
    });
    const { id } = await task.send();
    await clock.advance(1_500);
    const during = collect(task.handle(id));
    await clock.advance(10);
    expect(during.seen).toEqual(['late']);
    expect(await task.handle(id).status()).toMatchObject({ state: 'running', progress: 'late' });
    await clock.advance(1_000);
    await during.ended;
    const after = collect(task.handle(id));
    await after.ended;
    expect(after.seen).toEqual(['late']);
    expect(await task.handle(id).status()).toEqual({ state: 'unknown', progress: 'late' });
    await clock.advance(3_700_000);
    expect(await task.handle(id).status()).toEqual({ state: 'unknown' });
  });

  it('is stored at most four times a second, always with the last value', async () => {
    let store: ReturnType<typeof counting> | undefined;
    const { clock, task } = await bench(
      async ({ sleep }) => {
        for (let step = 0; step < 1_000; step++) {
          currentTask().progress(step);
          await sleep(1);
        }
      },
      (broker) => {
        store = counting(broker);
        Object.defineProperty(broker, 'results', { value: store });
      },
    );
    await task.send();
    await clock.advance(1_100);
    expect(store?.stored).toEqual(['0', '349', '699', '999']);
  });

  it('of a run that has lost its lease is not stored: another run may have reported since', async () => {
    let store: ReturnType<typeof counting> | undefined;
    let runs = 0;
    const { clock, task } = await bench(
      async ({ sleep }) => {
        if (++runs > 1) return;
        currentTask().progress('mine');
        await sleep(15_000);
        currentTask().progress('late');
      },
      (broker) => {
        store = losing(broker, () => undefined);
      },
    );
    await task.send();
    await clock.advance(20_000);
    expect([runs, store?.stored]).toEqual([1, ['"mine"']]);
  });

  it('is stored only once the lease is sure, after a time in which no renewal succeeded', async () => {
    let store: ReturnType<typeof counting> | undefined;
    let isAway = true;
    const { clock, task } = await bench(
      async ({ sleep }) => {
        currentTask().progress('mine');
        await sleep(25_000);
        isAway = false;
        currentTask().progress('late');
        await sleep(1_000);
      },
      (broker) => {
        store = losing(broker, () => {
          if (isAway) throw new BrokerUnavailableError('away');
        });
      },
    );
    await task.send();
    await clock.advance(28_000);
    expect(store?.stored).toEqual(['"mine"']);
  });

  it('is stored whole if a run ends at once', async () => {
    const { clock, task } = await bench(async () => {
      currentTask().progress(1);
      currentTask().progress(2);
      currentTask().progress(3);
    });
    const handle = await task.with({ delay: '1s' }).send();
    const collected = collect(handle);
    await clock.advance(1_000);
    await collected.ended;
    expect(collected.seen).toEqual([1, 3]);
  });

  it('goes on over attempts that are retried', async () => {
    const { clock, task } = await bench(
      async () => {
        const { attempt } = currentTask();
        currentTask().progress(`attempt ${attempt}`);
        if (attempt === 1) throw new Error('failed');
      },
      undefined,
      1,
    );
    const handle = await task.with({ delay: '1s' }).send();
    const collected = collect(handle);
    await clock.advance(1_500);
    expect(collected).toMatchObject({ seen: ['attempt 1'], isOver: false });
    await clock.advance(1_000);
    await collected.ended;
    expect(collected.seen).toEqual(['attempt 1', 'attempt 2']);
  });

  it('of up to 4 KiB arrives, also where a signal has no room for it', async () => {
    const long = 'x'.repeat(4_090);
    const { clock, task } = await bench(async () => currentTask().progress(long));
    const handle = await task.with({ delay: '1s' }).send();
    const collected = collect(handle);
    await clock.advance(1_000);
    await collected.ended;
    expect(collected.seen).toEqual([long]);
  });

  it('ends within a second if the message is cancelled before it starts', async () => {
    const { clock, task } = await bench(async () => undefined);
    const handle = await task.with({ delay: '1h' }).send();
    const collected = collect(handle);
    await clock.advance(10);
    await handle.cancel();
    await clock.advance(1_010);
    await collected.ended;
    expect(collected.seen).toEqual([]);
  });

  it('is found in the store within a second if no signal comes', async () => {
    const { clock, task } = await bench(
      async ({ sleep }) => {
        currentTask().progress('stored');
        await sleep(5_000);
      },
      (broker) => Object.defineProperty(broker, 'signals', { value: undefined }),
    );
    const handle = await task.send();
    const collected = collect(handle);
    await clock.advance(1_500);
    expect(collected.seen).toEqual(['stored']);
    await clock.advance(5_000);
    await collected.ended;
  });

  it('never touches the task: a store that fails loses the progress only', async () => {
    const { clock, task, broker } = await bench(
      async () => currentTask().progress(1),
      (given) => {
        const failing = { store: () => Promise.reject(new Error('full')), load: async () => undefined };
        Object.defineProperty(given, 'results', { value: failing });
      },
    );
    await task.send();
    await clock.advance(100);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 1 });
  });

  it('is refused where neither signals nor a store could carry it', async () => {
    const { task } = await bench(
      async () => undefined,
      (broker) => {
        Object.defineProperty(broker, 'signals', { value: undefined });
        Object.defineProperty(broker, 'results', { value: undefined });
      },
    );
    const handle = await task.send();
    await expect(collect(handle).ended).rejects.toMatchObject({ code: 'PROGRESS_UNSUPPORTED' });
  });
});

describe('currentTask().progress()', () => {
  it.each([
    [undefined, 'PROGRESS_INVALID'],
    [1n, 'PROGRESS_INVALID'],
    [() => 1, 'PROGRESS_INVALID'],
    ['x'.repeat(4_096), 'PROGRESS_TOO_LARGE'],
  ])('refuses %s', async (value, code) => {
    let error: unknown;
    const { clock, task } = await bench(async () => {
      try {
        currentTask().progress(value);
      } catch (thrown) {
        error = thrown;
      }
    });
    await task.send();
    await clock.advance(10);
    expect(error).toMatchObject({ code, message: expect.stringMatching(/^task job: progress must /) });
  });

  it('has no effect in an inline call', async () => {
    const { task } = await bench(async () => currentTask().progress(1));
    await expect(task()).resolves.toBeUndefined();
  });
});
