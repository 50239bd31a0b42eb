import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { BrokerUnavailableError, type ManagerOptions, SendManyError, TaskManager } from '@brokkr/core';
import { type Envelope, PartlyStoredError } from '@brokkr/core/adapter';
import { afterEach, describe, expect, it } from 'vitest';

const managers: TaskManager[] = [];
afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
});

/** A task on a memory broker whose `publish` may be replaced. */
async function producer(
  publish?: (broker: MemoryBroker, envelopes: readonly Envelope[]) => unknown,
  options?: ManagerOptions,
) {
  const broker = new MemoryBroker();
  const direct = broker.publish.bind(broker);
  const memory = Object.assign(
    broker,
    publish === undefined
      ? {}
      : {
          publish: (envelopes: readonly Envelope[]) =>
            publish({ ...broker, publish: direct } as MemoryBroker, envelopes),
        },
  );
  const tm = TaskManager.getInstance(`many-${randomUUID()}`);
  managers.push(tm);
  await tm.initialize({
    broker: memory as MemoryBroker,
    logLevel: 'silent',
    runMode: 'producer',
    sendTimeout: '1s',
    ...options,
  });
  const task = tm.task({ name: 'many' }, async (n: number) => n);
  return { task, tm, broker, stored: async () => (await broker.inspector.counts('default')).ready };
}

const numbers = (count: number) => Array.from({ length: count }, (_, n): [number] => [n]);

async function failureOf(sending: Promise<unknown>): Promise<SendManyError> {
  const error: unknown = await sending.catch((reason: unknown) => reason);
  if (!(error instanceof SendManyError)) throw new Error('sendMany should have rejected', { cause: error });
  return error;
}

describe('sendMany of many messages', () => {
  it('lets the event loop turn between the checks, and between the sends, of 500 of them', async () => {
    const { task, stored } = await producer();
    let turns = 0;
    let isOver = false;
    const turn = () => {
      turns++;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    const handles = await task.sendMany(numbers(20_000));
    isOver = true;
    expect(handles).toHaveLength(20_000);
    expect(new Set(handles.map(({ id }) => id)).size).toBe(20_000);
    expect(await stored()).toBe(20_000);
    expect(turns).toBeGreaterThanOrEqual(2 * 40 - 1);
  });

  it('sends at most two chunks in one turn of the event loop, and has 2,000 messages in flight, over all calls', async () => {
    let thisTurn = 0;
    let mostOfTurn = 0;
    let inFlight = 0;
    let mostInFlight = 0;
    let isOver = false;
    const turn = () => {
      thisTurn = 0;
      if (!isOver) setImmediate(turn);
    };
    turn();
    const { task, stored } = await producer(async (broker, envelopes) => {
      thisTurn += envelopes.length;
      inFlight += envelopes.length;
      mostOfTurn = Math.max(mostOfTurn, thisTurn);
      mostInFlight = Math.max(mostInFlight, inFlight);
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      inFlight -= envelopes.length;
      return broker.publish(envelopes);
    });
    const sizes = [...Array.from({ length: 40 }, () => 500), ...Array.from({ length: 200 }, () => 7), 1_800];
    await Promise.all(sizes.map((size) => task.sendMany(numbers(size))));
    isOver = true;
    expect(await stored()).toBe(20_000 + 1_400 + 1_800);
    // One chunk after answers came, and one after the timers.
    expect(mostOfTurn).toBeLessThanOrEqual(1_000);
    expect(mostInFlight).toBeGreaterThan(1_000);
    expect(mostInFlight).toBeLessThanOrEqual(2_000);
  });

  it('ends a short call before the long ones that were made earlier', async () => {
    const { task } = await producer();
    const ended: string[] = [];
    const long = Array.from({ length: 5 }, () => task.sendMany(numbers(10_000)).then(() => ended.push('long')));
    const short = task.sendMany(numbers(10)).then(() => ended.push('short'));
    await Promise.all([...long, short]);
    expect(ended[0]).toBe('short');
  });

  it('rejects all calls soon after their timeout if the broker does not answer', async () => {
    const { task } = await producer(() => new Promise(() => undefined));
    const startedAt = performance.now();
    const calls = await Promise.allSettled(Array.from({ length: 30 }, () => task.sendMany(numbers(500))));
    expect(calls.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 'rejected'));
    // One timeout after the other for each four calls would be 8 s.
    expect(performance.now() - startedAt).toBeLessThan(6_000);
  });

  it('checks a whole list before it sends any of its messages', async () => {
    const { task, stored } = await producer();
    const batch = [...numbers(5_000), [1n as never]] as [number][];
    await expect(task.sendMany(batch)).rejects.toMatchObject({ name: 'SerializationError' });
    expect(await stored()).toBe(0);
  });

  it('sends the list as it was at the call, whatever the caller does to it later', async () => {
    const { task, stored } = await producer();
    const batch = numbers(2_000);
    const sending = task.sendMany(batch);
    batch.length = 0;
    expect(await sending).toHaveLength(2_000);
    expect(await stored()).toBe(2_000);
  });

  it.each(['iterable', 'async iterable'])('reads at most a few chunks of an %s ahead of the broker', async (kind) => {
    let taken = 0;
    let confirmed = 0;
    let mostAhead = 0;
    const { task } = await producer(async (broker, envelopes) => {
      await new Promise((resolve) => setImmediate(resolve));
      const receipts = await broker.publish(envelopes);
      confirmed += receipts.length;
      return receipts;
    });
    function* some(): Generator<[number]> {
      for (; taken < 20_000; taken++) {
        mostAhead = Math.max(mostAhead, taken - confirmed);
        yield [taken];
      }
    }
    async function* someLater(): AsyncGenerator<[number]> {
      yield* some();
    }
    expect(await task.sendMany(kind === 'iterable' ? some() : someLater())).toHaveLength(20_000);
    expect(mostAhead).toBeLessThanOrEqual(2_500);
  });

  it('reports the messages of an iterable that were stored before an invalid one', async () => {
    const { task, stored } = await producer();
    function* some(): Generator<[number]> {
      yield* numbers(1_200);
      yield [1n as never];
      yield* numbers(5);
    }
    const { outcomes, errors } = await failureOf(task.sendMany(some()));
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1_000);
    expect(outcomes.filter((outcome) => outcome === 'not stored')).toHaveLength(201);
    expect(errors[1_200]?.cause).toMatchObject({ name: 'SerializationError' });
    expect(await stored()).toBe(1_000);
  });

  it('rejects with the error itself if the first chunk of an iterable is at fault', async () => {
    const { task } = await producer();
    await expect(task.sendMany(new Set([[1n as never]]) as Set<[number]>)).rejects.toMatchObject({
      name: 'SerializationError',
    });
  });

  it('sends no further chunk after one of which the broker stored nothing', async () => {
    let calls = 0;
    const { task } = await producer(async () => {
      calls++;
      throw new BrokerUnavailableError('unreachable');
    });
    const { outcomes } = await failureOf(task.sendMany(numbers(50_000)));
    expect(calls).toBeLessThanOrEqual(5);
    expect(outcomes.filter((outcome) => outcome === 'unknown').length).toBeLessThanOrEqual(2_500);
    expect(outcomes.filter((outcome) => outcome === 'not stored').length).toBeGreaterThanOrEqual(47_500);
  });

  it.each([
    ['a text', 'abc'],
    ['a number', 7],
    ['nothing', undefined],
  ])('refuses %s', async (_, batch) => {
    const { task } = await producer();
    await expect(task.sendMany(batch as never)).rejects.toMatchObject({
      code: 'BATCH_INVALID',
      message: expect.stringContaining('sendMany needs a list of argument lists'),
    });
  });
});

describe('the outcome of each message of sendMany', () => {
  it('is unknown after a timeout, and the error does not advise to send it again', async () => {
    const { task } = await producer(() => new Promise(() => undefined), { sendTimeout: '20ms' });
    const { outcomes, message, errors } = await failureOf(task.sendMany(numbers(3)));
    expect(outcomes).toEqual(['unknown', 'unknown', 'unknown']);
    expect(errors[0]).toMatchObject({ code: 'SEND_TIMEOUT' });
    expect(message).toMatch(
      /of 3 messages 0 stored, 0 not stored, 3 unknown: .*'unknown' may be stored, and would run twice$/,
    );
  });

  it.each([
    ['a lost answer', new BrokerUnavailableError('the connection broke'), 'unknown'],
    ['an error of another kind', new TypeError('a fault of the adapter'), 'unknown'],
    ['a full broker', new BrokerUnavailableError('full', { code: 'BROKER_FULL' }), 'not stored'],
    ['a closed broker', new BrokerUnavailableError('closed', { code: 'BROKER_CLOSED' }), 'not stored'],
    ['a broker that was never reached', new BrokerUnavailableError('refused', { mayBeStored: false }), 'not stored'],
  ])('after %s', async (_, error, outcome) => {
    const { task } = await producer(async () => {
      throw error;
    });
    expect((await failureOf(task.sendMany(numbers(1)))).outcomes).toEqual([outcome]);
  });

  it('is that of each envelope if the broker stored some', async () => {
    const { task } = await producer(async (broker, envelopes) => {
      const [stored, full, lost] = envelopes as [Envelope, Envelope, Envelope];
      throw new PartlyStoredError([
        (await broker.publish([stored]))[0] as { id: string; isNew: boolean },
        new BrokerUnavailableError(`full: ${full.id}`, { code: 'BROKER_FULL' }),
        new BrokerUnavailableError(`no answer: ${lost.id}`),
      ]);
    });
    const { outcomes, handles, message } = await failureOf(task.sendMany(numbers(3)));
    expect(outcomes).toEqual(['stored', 'not stored', 'unknown']);
    expect(handles.map((handle) => handle !== undefined)).toEqual([true, false, false]);
    expect(message).toContain('of 3 messages 1 stored, 1 not stored, 1 unknown');
  });

  it('follows from the publishing if middleware throws', async () => {
    const { task, tm } = await producer();
    tm.use({
      name: 'audit',
      send: async ({ message }, next) => {
        const [n] = message.args;
        if (n === 0) throw new Error('before');
        const receipt = await next();
        if (n === 1) throw new Error('after');
        return receipt;
      },
    });
    const { outcomes, errors } = await failureOf(task.sendMany(numbers(3)));
    expect(outcomes).toEqual(['not stored', 'stored', 'stored']);
    expect(errors.map((error) => error?.message)).toEqual(['before', 'after', undefined]);
  });
});
