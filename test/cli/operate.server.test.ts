import { spawn } from 'node:child_process';
import { createBroker, openBroker } from '@brokkr/core';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Inspected } from '../support/inspected.ts';
import { RedisServer } from '../support/redis-server.ts';
import { brokkr, command, type Run, until } from './brokkr.ts';

const app = 'test/fixtures/apps/operated.ts';
const server = await RedisServer.start();
afterAll(() => server.stop());

const env = { TASK_BROKER_URL: server.url, APP_MODULE: app };
let broker: Inspected;

beforeEach(async () => {
  const client = server.client();
  await client.flushall();
  client.disconnect();
  broker = (await openBroker(createBroker(server.url))) as Inspected;
});
afterEach(() => broker.close());

async function run(...args: string[]): Promise<string> {
  const command = brokkr(args, env);
  expect(`${await command.exited} ${command.errors()}`).toBe('0 ');
  return command.output();
}

/** Runs a command that fails. @returns its exit code and what it wrote to standard error */
async function refused(...args: string[]): Promise<string> {
  const command = brokkr(args, env);
  return `${await command.exited} ${command.errors()}`;
}

async function startWorker(...args: string[]): Promise<Run> {
  const worker = brokkr(['worker', '-q', 'all', '-c', '4', ...args], env);
  await until(() => worker.output().includes('worker started'), 'the worker started');
  return worker;
}

async function stop(worker: Run): Promise<void> {
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
}

const counts = (queue: string) => broker.inspector.counts(queue);

/** Sends mails that become dead letters: 30 of `nobody`, then 20 of `slow-server`. */
async function makeLetters(): Promise<void> {
  const headers = { 'brokkr-task': 'mail', 'brokkr-at': String(Date.now()) };
  const to = [...Array<string>(30).fill('nobody'), ...Array<string>(20).fill('slow-server')];
  await broker.publish(
    to.map((name, index) => ({ id: `m${index}`, queue: 'emails', body: Buffer.from(JSON.stringify([name])), headers })),
  );
  const worker = await startWorker();
  await expect.poll(async () => (await counts('emails')).dead, { timeout: 10_000 }).toBe(50);
  await stop(worker);
}

describe('pause and resume', () => {
  it('stop a worker in another process from starting messages, and let it go on', async () => {
    const worker = await startWorker();
    expect(await run('pause', 'pdf', 'emails')).toBe('pdf paused\nemails paused\n');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await run('send', 'mail', 'ada');
    expect(await run('queues')).toMatch(/emails +│ 1 +│ 0 +│ 0 +│ 0 +│ 0 +│ 1 +│ paused/);
    expect(JSON.parse(await run('queues', 'emails', '--json'))).toMatchObject([{ ready: 1, paused: true }]);
    expect(await run('resume', 'emails')).toBe('emails resumed\n');
    await expect.poll(async () => (await counts('emails')).acknowledged, { timeout: 5_000 }).toBe(1);
    expect(JSON.parse(await run('queues', 'pdf', 'emails', '--json'))).toMatchObject([
      { queue: 'pdf', paused: true },
      { queue: 'emails', ready: 0, paused: false },
    ]);
    await stop(worker);
  }, 60_000);

  it.each([
    [['pause', 'emial'], '2 error: unknown queue emial; did you mean emails?\n'],
    [['purge', 'emial'], '2 error: unknown queue emial; did you mean emails?\n'],
    [['queues', 'x'], '2 error: unknown queue x; known are emails, pdf\n'],
    [['dead', 'list', 'emial'], '2 error: unknown queue emial; did you mean emails?\n'],
    [['send', 'mial', 'ada'], '2 error: unknown task mial; did you mean mail?\n'],
    [['status', 'm1', '--task', 'mial'], '2 error: unknown task mial; did you mean mail?\n'],
    [
      ['send', 'mail', 'ada', '--queue', 'emial'],
      '2 error: unknown queue emial; did you mean emails? (for a new queue, first start a worker of it: brokkr worker -q emial)\n',
    ],
    [['send', 'mail', 'ada', '--header', 'x'], '2 error: --header "x": give a name and a value, as in traceId=4bf9\n'],
  ])(
    '%j is refused, and names what is near',
    async (args, error) => {
      expect(await refused(...args)).toBe(error);
      expect(await broker.inspector.queues()).toEqual([]);
    },
    30_000,
  );
});

it('workers lists the workers of every process, and forgets one that has stopped', async () => {
  const worker = await startWorker('--worker-id', 'first');
  await run('send', 'mail', 'ada');
  const watching = brokkr(['workers', '--watch', '--json'], env);
  await until(() => /"succeeded":1/.test(watching.output()), 'a report has the run');
  watching.child.kill('SIGTERM');
  expect(await watching.exited).toBe(0);
  expect(JSON.parse(await run('workers', '--json'))).toMatchObject([
    { id: 'first', pid: worker.child.pid, queues: { emails: 1, pdf: 1 }, concurrency: 4, state: 'running' },
  ]);
  expect(await run('workers')).toMatch(/first +│ running +│ emails, pdf +│ 0\/4 +│ 1 +│ 0 +│ \d+ MB/);
  await stop(worker);
  expect(await run('workers')).toBe('no worker has reported in the last 30 s\n');
}, 60_000);

it('workers quiet lets a worker take no more messages, and workers resume lets it go on', async () => {
  const worker = await startWorker('--worker-id', 'first');
  expect(await refused('workers', 'quiet', 'first', 'frist')).toBe(
    '2 error: unknown worker frist; did you mean first?\n',
  );
  expect(await refused('workers', 'quite', 'first')).toBe(
    "2 error: unknown command 'quite'; known are quiet and resume\n",
  );
  expect(JSON.parse(await run('workers', '--json'))).toMatchObject([{ id: 'first', state: 'running' }]);
  expect(await run('workers', 'quiet', 'first', '--broker', server.url)).toBe('first takes no more messages\n');
  await run('send', 'mail', 'ada');
  expect(await run('workers')).toMatch(/first +│ quiet +│/);
  expect(await counts('emails')).toMatchObject({ ready: 1, acknowledged: 0 });
  expect(await run('workers', 'resume', 'first')).toBe('first takes messages\n');
  await expect.poll(async () => (await counts('emails')).acknowledged, { timeout: 5_000 }).toBe(1);
  await stop(worker);
}, 60_000);

it('workers --running lists the tasks that run, with the ids that cancel takes', async () => {
  const worker = await startWorker('--worker-id', 'first');
  expect(await run('workers', '--running')).toBe('no task runs\n');
  const id = (await run('send', 'mail', 'forever')).trim();
  await until(() => worker.output().includes('sending for a long time'), 'the task runs');
  const listed = async () => JSON.parse(await run('workers', '--running', '--json')) as { id: string }[];
  await expect
    .poll(listed, { timeout: 20_000 })
    .toMatchObject([{ id, task: 'mail', queue: 'emails', worker: 'first' }]);
  expect(await run('workers', '--running')).toMatch(new RegExp(`${id} │ mail │ emails │ 1 +│ \\d+ s +│ first`));
  expect(await run('cancel', id, '--running')).toBe('cancelled\n');
  await stop(worker);
}, 60_000);

describe('dead letters', () => {
  it('are listed across queues by task, error and age, with the time of death and redrives', async () => {
    await makeLetters();
    const all = JSON.parse(await run('dead', 'list', '--json')) as { queue: string; deadAt: number }[];
    expect(all).toHaveLength(50);
    expect(all[0]).toMatchObject({ queue: 'emails', task: 'mail', deadBy: expect.any(String) });
    expect(await run('dead', 'list', '--error', 'smtp', '--limit', '2')).toMatch(
      /emails +│ m30 +│ mail +│ \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +│ 1 +│ 0 +│ Error: SMTP said 502 +│\n[^\n]+\n[^\n]+\n[^\n]+\nmore than 2; --limit shows more\n$/,
    );
    expect(JSON.parse(await run('dead', 'list', 'emails', '--task', 'mail', '--since', '1h', '--json'))).toHaveLength(
      50,
    );
    expect(JSON.parse(await run('dead', 'list', '--since', '0', '--json'))).toEqual([]);
    expect(JSON.parse(await run('dead', 'list', '--older-than', '1h', '--json'))).toEqual([]);
    expect(JSON.parse(await run('dead', 'list', '--older-than', '0', '--json'))).toHaveLength(50);
    expect(await run('dead', 'summary')).toMatch(
      /│ 30 +│ emails │ mail │ PermanentError: nobody to write to +│ \d{4}-[^\n]*\n[^\n]*\n│ 20 +│ emails │ mail │ Error: SMTP said 502 /,
    );
    expect(JSON.parse(await run('dead', 'summary', 'emails', '--limit', '10', '--json'))).toMatchObject({
      looked: 10,
      complete: false,
      groups: [{ queue: 'emails', task: 'mail', error: 'PermanentError: nobody to write to', count: 10 }],
    });
    expect(await refused('dead', 'list', '--task', 'mial')).toBe('2 error: unknown task mial; did you mean mail?\n');
    expect(await refused('dead', 'list', '--since', 'soon')).toMatch(
      /^2 error: --since must be a duration .*got "soon"\n$/,
    );
  }, 60_000);

  it('are retried and discarded by a filter: dry run, limit, rate', async () => {
    await makeLetters();
    expect(await run('dead', 'retry', '--error', '502', '--dry-run')).toBe('emails 20\n20\n');
    expect(JSON.parse(await run('dead', 'retry', '--error', '502', '--dry-run', '--json'))).toEqual({
      count: 20,
      dryRun: true,
      queues: { emails: 20 },
    });
    expect(await run('dead', 'discard', 'emails', '--error', 'NOBODY', '--limit', '7', '--dry-run')).toBe('7\n');
    expect(await counts('emails')).toMatchObject({ ready: 0, dead: 50 });
    expect(await run('dead', 'discard', 'emails', '--error', 'NOBODY', '--limit', '7')).toBe('7\n');
    expect(await counts('emails')).toMatchObject({ dead: 43, discarded: 7 });
    const startedAt = performance.now();
    expect(await run('dead', 'retry', '--error', '502', '--rate', '10')).toBe('emails 20\n20\n');
    // The last batch needs no wait after it, but one is made.
    expect(performance.now() - startedAt).toBeGreaterThan(2_000);
    expect(await counts('emails')).toMatchObject({ ready: 20, dead: 23 });
    const worker = await startWorker();
    await expect.poll(async () => (await counts('emails')).dead, { timeout: 10_000 }).toBe(43);
    await stop(worker);
    const [letter] = JSON.parse(await run('dead', 'list', '--error', '502', '--limit', '1', '--json'));
    expect(letter).toMatchObject({ redriven: { count: 1, reason: 'Error: SMTP said 502' } });
  }, 60_000);

  it('are found by their id alone, and a wrong id changes nothing', async () => {
    await makeLetters();
    expect(JSON.parse(await run('dead', 'show', 'm3'))).toMatchObject([
      { id: 'm3', queue: 'emails', body: '["nobody"]' },
    ]);
    expect(JSON.parse(await run('dead', 'retry', 'm3', '--json'))).toMatchObject({ count: 1, queues: { emails: 1 } });
    expect(await run('purge', 'emails', '--dry-run')).toBe('1\n');
    expect(JSON.parse(await run('purge', 'emails', '--dry-run', '--json'))).toEqual({
      queue: 'emails',
      count: 1,
      dryRun: true,
    });
    expect(await run('dead', 'discard', 'emails', 'm4', 'm5', 'm5')).toBe('2\n');
    expect(await refused('dead', 'retry', 'm3')).toBe(
      '2 error: no queue has a dead letter m3; brokkr dead list shows them\n',
    );
    expect(await refused('dead', 'retry', 'emials', 'm6')).toBe(
      '2 error: unknown queue emials; did you mean emails?\n',
    );
    expect(await refused('dead', 'retry', 'emails')).toMatch(
      /^2 error: brokkr dead retry: which dead letters of queue emails\?/,
    );
    expect(await refused('dead', 'discard')).toMatch(/^2 error: brokkr dead discard: give ids, a filter/);
    expect(await refused('dead', 'discard', 'emails', 'm6', '--error', 'x')).toMatch(
      /^2 error: .*both ids and a filter/,
    );
    expect(await counts('emails')).toMatchObject({ ready: 1, dead: 47, discarded: 2 });
  }, 60_000);

  it('stop being retried at a signal, after the batch in progress', async () => {
    await makeLetters();
    const command = brokkr(['dead', 'retry', '--all', '--rate', '5'], env);
    await expect.poll(async () => (await counts('emails')).ready, { timeout: 10_000 }).toBeGreaterThan(2);
    command.child.kill('SIGINT');
    expect(await command.exited).toBe(1);
    const { ready, dead } = await counts('emails');
    expect(command.output()).toBe(`emails ${ready}\n${ready}\n`);
    expect([ready, Number(ready) + Number(dead)]).toEqual([expect.any(Number), 50]);
    expect(ready).toBeLessThan(50);
  }, 60_000);

  it('are moved to another broker as dead letters, with their history', async () => {
    await makeLetters();
    expect(await run('move', `${server.url}/0`, `${server.url}/1`, '--dead')).toBe('emails 50\n');
    expect(await counts('emails')).toMatchObject({ ready: 0, dead: 0 });
    const there = JSON.parse(await run('dead', 'list', '--json', '--broker', `${server.url}/1`)) as object[];
    expect(there).toHaveLength(50);
    expect(there[0]).toMatchObject({
      id: 'm0',
      reason: 'PermanentError: nobody to write to',
      attempts: [{ attempt: 1 }],
    });
  }, 60_000);
});

describe('watching', () => {
  it('redraws the table in place on a terminal, and reports a server that is down until it answers', async () => {
    const own = await RedisServer.start();
    try {
      const typed = `exec ${process.execPath} ${command} queues --watch --broker ${own.url}`;
      // `script` gives the command a terminal. TASK_SEND_TIMEOUT bounds the wait for the server.
      const child = spawn('script', ['-qec', `stty rows 12 cols 60; ${typed}`, '/dev/null'], {
        env: { ...process.env, NODE_OPTIONS: '', TASK_SEND_TIMEOUT: '1', APP_MODULE: app },
      });
      let shown = '';
      child.stdout.on('data', (chunk) => {
        shown += chunk;
      });
      const ended = new Promise((resolve) => child.once('close', resolve));
      await until(() => shown.split('\u001b[3A\r').length > 2, 'it was redrawn over its three lines');
      await own.kill();
      await until(() => /trying again: cannot reach Redis/.test(shown), 'it reports the server');
      await own.run();
      const before = shown.length;
      await until(
        () => /acknowledged/.test(shown.slice(before)) && !shown.slice(-400).includes('trying again'),
        'it shows the table',
      );
      child.stdin.write('\u0003');
      expect(await ended).toBe(0);
    } finally {
      await own.stop();
    }
  }, 60_000);
});

describe('a message', () => {
  it('is sent with a queue, a key, headers and a delay', async () => {
    const args = [
      'mail',
      'ada',
      '--queue',
      'pdf',
      '--key',
      'k1',
      '--delay',
      '1h',
      '--header',
      'traceId=4=f',
      '--header',
      'a=',
    ];
    const sent = JSON.parse(await run('send', ...args, '--json'));
    expect(sent).toEqual({ id: expect.any(String), queue: 'pdf', isNew: true });
    expect(JSON.parse(await run('send', ...args, '--json'))).toEqual({ ...sent, isNew: false });
    const { items } = await broker.inspector.page('pdf', 'delayed', { limit: 2 });
    expect(items).toMatchObject([{ envelope: { id: sent.id, headers: { traceId: '4=f', a: '' } } }]);
    expect(await run('status', sent.id)).toMatch(/^delayed {2}mail in pdf {2}attempt 1 {2}due \d{4}-/);
    expect(await run('cancel', sent.id)).toBe('cancelled\n');
    expect(await counts('pdf')).toMatchObject({ delayed: 0, cancelled: 1 });
    expect(await refused('cancel', sent.id)).toBe(`1 error: message ${sent.id} has ended: cancelled\n`);
  }, 60_000);

  it('has a status from its start to its end, and is aborted while it runs', async () => {
    const id = (await run('send', 'render', '50')).trim();
    const long = (await run('send', 'render', '600000')).trim();
    expect(JSON.parse(await run('status', id, '--json'))).toEqual({
      id,
      state: 'ready',
      attempt: 1,
      queue: 'pdf',
      task: 'render',
    });
    const worker = await startWorker('--worker-id', 'first');
    await expect.poll(async () => (await counts('pdf')).acknowledged, { timeout: 10_000 }).toBe(1);
    expect(await run('status', id)).toBe('succeeded\nprogress {"done":1,"of":3}\n');
    expect(await run('status', long, '--task', 'render')).toBe(
      'running  render in pdf  attempt 1  worker first\nprogress {"done":1,"of":3}\n',
    );
    expect(await refused('cancel', long)).toBe(`1 error: message ${long} runs; --running aborts it\n`);
    expect(await run('cancel', long, '--running')).toBe('cancelled\n');
    await expect.poll(async () => (await counts('pdf')).running, { timeout: 5_000 }).toBe(0);
    expect(await run('status', long)).toMatch(/^cancelled\n/);
    expect(await refused('cancel', long)).toBe(`1 error: message ${long} has ended: cancelled\n`);
    await stop(worker);
  }, 60_000);

  it('that is a dead letter is shown with the command that shows it, and is not cancelled', async () => {
    await makeLetters();
    expect(await run('status', 'm1')).toBe('dead  mail in emails  attempt 1\nbrokkr dead show emails m1\n');
    expect(await refused('cancel', 'm1')).toBe(
      '1 error: message m1 is a dead letter; remove it with brokkr dead discard emails m1\n',
    );
    expect(await refused('status', 'm1', '--queue', 'pdf')).toBe(
      '2 error: message m1 is not in queue pdf: it is in queue emails, a message of task mail; brokkr status m1 --queue emails\n',
    );
    expect(await refused('status', 'nope')).toMatch(/^2 error: message nope is in no queue, and the result store/);
  }, 60_000);
});
