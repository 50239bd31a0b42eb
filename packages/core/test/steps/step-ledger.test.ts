import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { RecordChange, RecordStore } from '../../src/broker/record-store.ts';
import { BrokerUnavailableError, LeaseLostError } from '../../src/errors/errors.ts';
import { StepLedger } from '../../src/steps/step-ledger.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

const logger = pino({ level: 'silent' });
const away = () => new BrokerUnavailableError('away');

/** A store in a Map, whose next calls fail with the errors of `failures`; with `isDone`, after they have taken effect. */
class FakeStore implements RecordStore {
  readonly fields = new Map<string, Uint8Array>();
  readonly calls: string[] = [];
  failures: { readonly error: Error; readonly isDone: boolean }[] = [];

  async read(): Promise<ReadonlyMap<string, Uint8Array>> {
    this.calls.push('read');
    this.#fail();
    return new Map(this.fields);
  }

  async change([change]: readonly RecordChange[]) {
    this.calls.push('change');
    if (this.failures[0]?.isDone !== true) this.#fail();
    let added = 0;
    for (const [name, value] of change?.add ?? []) {
      if (this.fields.has(name)) continue;
      this.fields.set(name, value);
      added++;
    }
    this.#fail();
    return [{ changed: true, added, size: this.fields.size }];
  }

  #fail(): void {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure.error;
  }
}

function ledgerOf(store: RecordStore | undefined, mayHaveEarlier = false) {
  const controller = new AbortController();
  const clock = new ManualClock();
  const run = {
    id: 'm-1',
    name: 'onboard',
    attempt: 1,
    signal: controller.signal,
    logger,
    abortReason: undefined as Error | undefined,
    hasEnded: false,
  };
  const records = store && (async () => store);
  const abort = (reason: Error) => {
    run.abortReason = reason;
    controller.abort(reason);
  };
  return { ledger: new StepLedger({ run, records, mayHaveEarlier, clock }), clock, run, abort };
}

describe('the steps of a run', () => {
  it('store each result once, and read nothing if no earlier run can have stored any', async () => {
    const store = new FakeStore();
    const { ledger } = ledgerOf(store);
    expect(ledger.isUsed).toBe(false);
    expect(await ledger.run('a', () => ({ n: 1 }), undefined)).toEqual({ n: 1 });
    expect(await ledger.run('b', async () => undefined, undefined)).toBeUndefined();
    expect(store.calls).toEqual(['change', 'change']);
    expect(ledger.isUsed).toBe(true);
  });

  it('read once what earlier runs stored, also if steps run at the same time', async () => {
    const store = new FakeStore();
    store.fields.set('a', Buffer.from('[1]')).set('b', new Uint8Array());
    const { ledger } = ledgerOf(store, true);
    const never = () => expect.fail('a finished step ran again');
    expect(await Promise.all([ledger.run('a', never, undefined), ledger.run('b', never, undefined)])).toEqual([
      [1],
      undefined,
    ]);
    expect(store.calls).toEqual(['read']);
  });

  it('store nothing in an inline call, and still refuse a name twice', async () => {
    const { ledger } = ledgerOf(undefined);
    expect(await ledger.run('a', () => new Date(0), undefined)).toBe('1970-01-01T00:00:00.000Z');
    await expect(ledger.run('a', () => 1, undefined)).rejects.toMatchObject({ code: 'STEP_NAME_TWICE' });
    expect(ledger.isUsed).toBe(false);
  });

  it('do nothing if no store can be opened', async () => {
    const missing = Object.assign(new Error('no store'), { code: 'STORE_MISSING' });
    const { run, clock } = ledgerOf(undefined);
    const ledger = new StepLedger({ run, clock, mayHaveEarlier: false, records: () => Promise.reject(missing) });
    let isDone = false;
    const work = () => {
      isDone = true;
    };
    await expect(ledger.run('a', work, undefined)).rejects.toBe(missing);
    expect(isDone).toBe(false);
  });

  it('begin only once the worker is sure that it holds the message, also while the broker does not answer', async () => {
    const store = new FakeStore();
    const { run, clock, abort } = ledgerOf(store);
    const answers = [away(), undefined, new LeaseLostError('another worker may run it now')];
    const confirmLease = async () => {
      const answer = answers.shift();
      if (answer instanceof LeaseLostError) abort(answer);
      else if (answer !== undefined) throw answer;
    };
    const records = async () => store;
    const ledger = new StepLedger({ run, clock, records, mayHaveEarlier: false, confirmLease });
    const began: string[] = [];
    const first = ledger.run('a', () => began.push('a'), undefined);
    await clock.advance(0);
    expect(began).toEqual([]);
    await clock.advance(500);
    await first;
    await expect(ledger.run('b', () => began.push('b'), undefined)).rejects.toBeInstanceOf(LeaseLostError);
    expect(began).toEqual(['a']);
  });

  it('are stored once an unreachable store answers again, and the work runs once', async () => {
    const store = new FakeStore();
    store.failures = Array.from({ length: 3 }, () => ({ error: away(), isDone: false }));
    const { ledger, clock } = ledgerOf(store);
    let times = 0;
    const running = ledger.run('a', () => ++times, undefined);
    for (let i = 0; i < 10; i++) await clock.advance(500);
    expect(await running).toBe(1);
    expect([times, store.calls.length]).toEqual([1, 4]);
  });

  it('recognize their own result if the answer to its storing was lost', async () => {
    const store = new FakeStore();
    store.failures = [{ error: away(), isDone: true }];
    const { ledger, clock } = ledgerOf(store);
    const running = ledger.run('a', () => 'mine', undefined);
    for (let i = 0; i < 4; i++) await clock.advance(100);
    expect(await running).toBe('mine');
    expect(store.calls).toEqual(['change', 'change', 'read']);
  });

  it('take the result of another run that was first', async () => {
    const store = new FakeStore();
    const { ledger } = ledgerOf(store);
    const result = ledger.run('a', () => store.fields.set('a', Buffer.from('"theirs"')) && 'mine', undefined);
    expect(await result).toBe('theirs');
  });

  it('stop waiting for the store when the run is aborted, and do not begin after that', async () => {
    const store = new FakeStore();
    store.failures = Array.from({ length: 99 }, () => ({ error: away(), isDone: false }));
    const { ledger, clock, abort, run } = ledgerOf(store);
    const running = ledger.run('a', () => 1, undefined);
    running.catch(() => undefined);
    await clock.advance(200);
    const reason = new Error('timeout');
    abort(reason);
    await expect(running).rejects.toThrow('away');
    await expect(ledger.run('b', () => 1, undefined)).rejects.toBe(reason);
    Object.assign(run, { abortReason: undefined, hasEnded: true });
    await expect(ledger.run('c', () => 1, undefined)).rejects.toMatchObject({ code: 'STEP_AFTER_RUN' });
  });

  it('are not stored if they throw, and may be tried again in another attempt', async () => {
    const store = new FakeStore();
    const { ledger } = ledgerOf(store);
    const error = new Error('no');
    const fails = () => {
      throw error;
    };
    await expect(ledger.run('a', fails, undefined)).rejects.toBe(error);
    expect([...store.fields]).toEqual([]);
    expect(await ledgerOf(store, true).ledger.run('a', () => 2, undefined)).toBe(2);
  });

  it('are limited to 1,000 and to 1 MiB, together with those of earlier runs', async () => {
    const store = new FakeStore();
    for (let n = 0; n < 999; n++) store.fields.set(`s${n}`, Buffer.from('1'));
    const { ledger } = ledgerOf(store, true);
    await ledger.run('last', () => 1, undefined);
    let isDone = false;
    const work = () => {
      isDone = true;
    };
    await expect(ledger.run('more', work, undefined)).rejects.toMatchObject({ code: 'STEPS_TOO_MANY' });
    expect(isDone).toBe(false);
    expect(await ledger.run('s7', work, undefined)).toBe(1);

    const large = ledgerOf(new FakeStore()).ledger;
    await large.run('half', () => 'x'.repeat(600_000), undefined);
    const rest = large.run('rest', () => 'x'.repeat(600_000), undefined);
    await expect(rest).rejects.toMatchObject({ code: 'STEPS_TOO_LARGE', limit: 1_048_576 });
    expect(await large.run('small', () => 1, undefined)).toBe(1);
  });

  it('refuse a result that JSON cannot hold, and a stored one that is not JSON', async () => {
    const store = new FakeStore();
    store.fields.set('broken', Buffer.from('{'));
    const { ledger } = ledgerOf(store, true);
    await expect(ledger.run('big', () => 1n, undefined)).rejects.toMatchObject({ code: 'STEP_UNSERIALIZABLE' });
    await expect(ledger.run('broken', () => 1, undefined)).rejects.toMatchObject({ code: 'STEP_UNREADABLE' });
  });

  it('end at their own time limit: the signal aborts, and a late result is not stored', async () => {
    const store = new FakeStore();
    const { ledger, clock } = ledgerOf(store);
    let signal: AbortSignal | undefined;
    let finish: (value: string) => void = () => undefined;
    const work = (given: AbortSignal) => {
      signal = given;
      return new Promise<string>((resolve) => {
        finish = resolve;
      });
    };
    const running = ledger.run('slow', work, 1_000);
    running.catch(() => undefined);
    await clock.advance(999);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    await expect(running).rejects.toMatchObject({ name: 'TaskTimeoutError', code: 'STEP_TIMEOUT', timeoutMs: 1_000 });
    expect(signal?.reason).toMatchObject({ code: 'STEP_TIMEOUT' });
    finish('late');
    await clock.advance(1);
    expect([...store.fields]).toEqual([]);
  });

  it('pass the abort of the run on to a step with a time limit', async () => {
    const { ledger, clock, abort } = ledgerOf(new FakeStore());
    const reason = new Error('stop');
    const work = (signal: AbortSignal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const running = ledger.run('slow', work, 60_000);
    running.catch(() => undefined);
    await clock.advance(1);
    abort(reason);
    await expect(running).rejects.toBe(reason);
  });
});
