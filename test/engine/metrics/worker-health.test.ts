import { monitor } from '@brokkr/core/metrics';
import { BrokerUnavailableError, type Worker } from '@brokkr/core';
import { describe, expect, it } from 'vitest';
import { aSecondOfWork, workerBench } from '../worker/worker-bench.ts';

/** The codes of each check. */
async function checks(worker: Worker) {
  const { live, ready, started } = await worker.health();
  const codes = (reasons: typeof live) => reasons.map(({ code }) => code);
  return { live: codes(live), ready: codes(ready), started: codes(started) };
}

const FINE = { live: [], ready: [], started: [] };

describe('the health of a worker', () => {
  it('follows its life: started late, ready, stopping, ended', async () => {
    const { tm, clock } = await workerBench();
    let finishHook: () => void = () => undefined;
    tm.onStart(() => new Promise<void>((resolve) => (finishHook = resolve)));
    let finishTask: () => void = () => undefined;
    const work = tm.task({ name: 'work' }, () => new Promise<void>((resolve) => (finishTask = resolve)));
    const worker = tm.createWorker();
    const waiting = { live: [], ready: ['NOT_STARTED'], started: ['NOT_STARTED'] };
    expect(await checks(worker)).toEqual(waiting);
    const starting = worker.start();
    expect(await checks(worker)).toEqual(waiting);
    finishHook();
    await starting;
    expect(await checks(worker)).toEqual(FINE);
    await work.send();
    await aSecondOfWork(clock);
    const stopping = worker.stop();
    expect(await checks(worker)).toEqual({ live: [], ready: ['STOPPING'], started: [] });
    finishTask();
    await clock.advance(5_000);
    await stopping;
    expect(await checks(worker)).toEqual({ live: ['ENDED'], ready: ['ENDED'], started: [] });
    await tm.close();
  });

  it('is dead if its start failed', async () => {
    const { tm } = await workerBench();
    tm.onStart(() => {
      throw new Error('no database');
    });
    const worker = tm.createWorker();
    await worker.start().catch(() => undefined);
    expect(await checks(worker)).toEqual({ live: ['ENDED'], ready: ['ENDED'], started: ['ENDED'] });
    await tm.close();
  });

  it('is unready after 30 s without an answer of the broker, never dead, and ready again with the next answer', async () => {
    let isDown = false;
    const { tm, clock } = await workerBench((broker) => {
      const { states } = broker;
      const get = states.get.bind(states);
      states.get = async (key) => {
        if (isDown) throw new BrokerUnavailableError('the server is down');
        return get(key);
      };
      return broker;
    });
    const worker = tm.createWorker();
    await worker.start();
    expect(await checks(worker)).toEqual(FINE);
    isDown = true;
    const seen: string[] = [];
    for (let second = 0; second < 45; second++) {
      const { live, ready } = await checks(worker);
      seen.push(`${live.join()}${ready.join()}`);
      await clock.advance(1_000);
    }
    const unreadyFrom = seen.indexOf('BROKER_SILENT');
    // The last answer was fresh for 1 s; nothing was asked before that.
    expect(unreadyFrom).toBeGreaterThanOrEqual(30);
    expect(unreadyFrom).toBeLessThanOrEqual(32);
    expect(new Set(seen.slice(unreadyFrom))).toEqual(new Set(['BROKER_SILENT']));
    expect(tm.metrics()).toContain('brokkr_broker_up 0\n');
    isDown = false;
    expect(await checks(worker)).toEqual(FINE);
    expect(tm.metrics()).toContain('brokkr_broker_up 1\n');
    expect(tm.metrics()).toContain('brokkr_broker_reconnects_total 1\n');
    await tm.close();
  });

  it('is known after half a second if the broker hangs', async () => {
    const { tm, clock, broker } = await workerBench();
    const worker = tm.createWorker();
    await worker.start();
    broker.states.get = () => new Promise(() => undefined);
    let answered = false;
    const asked = worker.health().then(() => {
      answered = true;
    });
    await clock.advance(499);
    expect(answered).toBe(false);
    await clock.advance(1);
    await asked;
    expect(tm.metrics()).toContain('brokkr_broker_up 0\n');
    await clock.advance(30_000);
    const again = checks(worker);
    await clock.advance(1_000);
    expect(await again).toEqual({ live: [], ready: ['BROKER_SILENT'], started: [] });
    await tm.close();
  });

  it('names the queues that cannot be received from for 30 s', async () => {
    let isBroken = true;
    const { tm, clock } = await workerBench((broker) => {
      const subscribe = broker.subscribe.bind(broker);
      broker.subscribe = async (queue, options) => {
        const subscription = await subscribe(queue, options);
        if (queue !== 'broken') return subscription;
        return {
          receive: async (limit, given) => {
            if (isBroken) throw new Error('WRONGTYPE');
            return subscription.receive(limit, given);
          },
          settle: (settlements) => subscription.settle(settlements),
          extend: (deliveries) => subscription.extend(deliveries),
          close: () => subscription.close(),
        };
      };
      return broker;
    });
    const worker = tm.createWorker({ queues: ['sound', 'broken'] });
    await worker.health();
    await worker.start();
    await clock.advance(29_000);
    expect(await checks(worker)).toEqual(FINE);
    for (let step = 0; step < 20; step++) await clock.advance(1_000);
    expect(await checks(worker)).toEqual({ live: [], ready: ['QUEUE_UNREADABLE'], started: [] });
    expect((await worker.health()).ready[0]?.message).toContain('queue broken');
    isBroken = false;
    for (let step = 0; step < 120; step++) await clock.advance(1_000);
    expect(await checks(worker)).toEqual(FINE);
    await tm.close();
  });
});

describe('the monitor', () => {
  const reason = { code: 'X', message: 'because' };
  const source = {
    metrics: (format: string) => `metrics as ${format}\n`,
    health: () => ({ live: [], ready: [reason], started: [] }),
  };
  const get = (path: string, accept?: string) => monitor({ method: 'GET', path, accept }, source);

  it('answers probes with 200 or 503, and the reasons', async () => {
    expect(await get('/livez')).toMatchObject({ status: 200, body: '{"ok":true,"reasons":[]}\n' });
    expect(await get('/startupz?verbose')).toMatchObject({ status: 200 });
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      headers: { 'content-type': 'application/json' },
      body: `${JSON.stringify({ ok: false, reasons: [reason] })}\n`,
    });
  });

  it.each([
    [undefined, 'text'],
    ['*/*', 'text'],
    ['text/plain;version=0.0.4;q=0.3', 'text'],
    // What Prometheus 2 and 3 send.
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
    ['text/plain;q=0.9, application/openmetrics-text;q=0.2', 'text'],
    ['application/openmetrics-text;q=0', 'text'],
    ['application/openmetrics-text;q=x', 'text'],
  ])('answers Accept: %s with %s', async (accept, format) => {
    expect((await get('/metrics', accept)).body).toBe(`metrics as ${format}\n`);
  });

  it('answers 404, 405 and 500 without a word about the inside', async () => {
    expect(await get('/etc/passwd')).toMatchObject({ status: 404 });
    expect(await get('/__proto__')).toMatchObject({ status: 404 });
    expect(await monitor({ method: 'POST', path: '/metrics' }, source)).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    });
    const broken = () => {
      throw new Error('redis://user:hunter2@h');
    };
    const answer = await monitor({ method: 'GET', path: '/metrics' }, { metrics: broken });
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('hunter2');
  });

  it('has only the paths of its source', async () => {
    expect(await monitor({ method: 'GET', path: '/livez' }, { metrics: source.metrics })).toMatchObject({
      status: 404,
    });
  });
});
