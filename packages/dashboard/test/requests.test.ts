import { describe, expect, it } from 'vitest';
import { HistoryRing, ROWS, rowOf } from '../src/sampling/history-ring.ts';
import { percentile } from '../src/sampling/histogram.ts';
import { formatCursor, readCursor } from '../src/letters/page-cursor.ts';
import { PageFiles } from '../src/http/page-files.ts';
import { CHANGE, managerOf, mount } from './mounted.ts';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

describe('a request', () => {
  it.each([
    ['app/queues/q/messages?limit=0', 400],
    ['app/queues/q/messages?limit=201', 400],
    ['app/queues/q/messages?state=gone', 400],
    ['app/queues/q/messages?after=%00', 400],
    ['app/queues/q/messages?unknown=1', 400],
    [`app/queues/q/messages?text=${'x'.repeat(1_025)}`, 400],
    ['app/queues/q/messages?since=-1', 400],
    ['app/queues/%ff', 400],
    ['app/queues/..%2f..%2fetc', 404],
    ['app/queues/none', 404],
    ['other/queues', 404],
    ['app/__proto__', 404],
    ['app/history?minutes=61', 400],
    ['app/history?task=a', 400],
    ['live?topics=', 400],
    ['live?topics=constructor', 400],
    ['app/find', 400],
    ['app/dead/groups?queue=nosuch', 404],
    ['app/dead/groups?queue=..%2fetc', 404],
    ['nothing/at/all', 404],
  ])('%s is answered with %d, and a code', async (path, status) => {
    const tm = await managerOf();
    await tm.task({ name: 'a', queueName: 'q' }, async () => undefined).send();
    const answer = await mount(tm).get(path);
    expect(answer).toMatchObject({ status, body: { error: { code: expect.stringMatching(/^[A-Z_]+$/) } } });
  });

  it.each([
    ['{', 400],
    ['[]', 400],
    ['null', 400],
    ['{"ids":[]}', 400],
    ['{"ids":[1]}', 400],
    [`{"ids":["${'x'.repeat(201)}"]}`, 400],
    [JSON.stringify({ ids: Array.from({ length: 501 }, (_, id) => String(id)) }), 400],
    ['{"ids":["a"],"more":1}', 400],
    [`{"ids":["${'x'.repeat(300_000)}"]}`, 413],
  ])('with the body %.30s… is answered with %d', async (body, status) => {
    const tm = await managerOf();
    await tm.task({ name: 'a', queueName: 'q' }, async () => undefined).send();
    const { request } = mount(tm);
    const answer = await request('app/queues/q/messages/retry', { method: 'POST', headers: CHANGE, body });
    expect(answer.status).toBe(status);
  });

  it('of any kind has the headers of security, and no cache keeps it', async () => {
    const tm = await managerOf();
    const { request, dashboard } = mount(tm);
    for (const answer of [
      await request('session'),
      await request('nothing'),
      await request('app/queues', { method: 'DELETE', headers: CHANGE }),
      await dashboard.fetch(new Request('http://localhost/admin/')),
    ]) {
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect((await request('session')).headers.get('cache-control')).toBe('no-store');
  });
});

it('a cursor is read as it was written; other texts are refused', () => {
  for (const cursor of [{}, { page: '5:a' }, { page: '5:a', id: 'x', skip: 3 }, { id: 'ü', skip: 500 }]) {
    expect(readCursor(formatCursor(cursor))).toEqual(cursor);
  }
  for (const text of ['', 'x', formatCursor({ id: 'a', skip: 501 }), 'x'.repeat(2_000), btoa('[1,2]'), btoa('{}')]) {
    expect(() => readCursor(text)).toThrow(expect.objectContaining({ status: 400 }));
  }
});

it('history keeps an hour, forgets what is older, and knows which figures are not known', () => {
  const ring = new HistoryRing();
  ring.set(1_000, 'ready', 5);
  ring.set(1_002, 'ready', 0);
  expect([1_000, 1_001, 1_002, 1_003].map((row) => ring.get(row, 'ready'))).toEqual([5, undefined, 0, undefined]);
  expect(ring.get(1_000, 'dead')).toBeUndefined();
  ring.set(1_000 + ROWS, 'ready', 7);
  expect(ring.get(1_000, 'ready')).toBeUndefined();
  expect(ring.get(1_002, 'ready')).toBe(0);
  ring.set(1_000, 'ready', 9);
  expect(ring.get(1_000 + ROWS, 'ready')).toBe(7);
  expect(rowOf(25_000)).toBe(2);
});

it('percentiles lie in the class of their duration', () => {
  const counts = new Array(15).fill(0);
  expect(percentile(counts, 0.5)).toBeUndefined();
  counts[3] = 90;
  counts[7] = 10;
  expect(percentile(counts, 0.5)).toBeGreaterThan(25);
  expect(percentile(counts, 0.5)).toBeLessThanOrEqual(50);
  expect(percentile(counts, 0.95)).toBeGreaterThan(500);
  counts[14] = 1_000;
  expect(percentile(counts, 0.99)).toBe(300_000);
});

describe('the files of the page', () => {
  function files() {
    const folder = mkdtempSync(join(tmpdir(), 'brokkr-page-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, 'assets'));
    writeFileSync(join(folder, 'index.html'), '<p>');
    writeFileSync(join(folder, 'assets', 'app-BxY12345.js'), '1');
    const pages = new PageFiles(folder);
    return (path: string, init?: RequestInit) => pages.answer(new Request(`http://x${path}`, init), path);
  }

  it('are found below any path, and nothing else is', async () => {
    const answer = files();
    for (const mount of ['', '/a/b', '/api/v1x']) {
      expect(await answer(`${mount}/`).text()).toBe('<p>');
      const script = answer(`${mount}/assets/app-BxY12345.js`);
      expect(script.headers.get('content-type')).toContain('text/javascript');
      expect(script.headers.get('cache-control')).toContain('immutable');
    }
    expect(answer('/a/b').status).toBe(308);
    expect(answer('/a/b').headers.get('location')).toBe('b/');
    expect(answer('/a/b//evil.example').headers.get('location')).toBeNull();
    for (const path of ['/assets/other.js', '/assets/../../package.json', '/x.html'])
      expect(answer(path).status).toBe(404);
    expect(answer('/', { method: 'POST' }).status).toBe(405);
  });

  it('are not sent again while they are unchanged', () => {
    const answer = files();
    const first = answer('/');
    expect(first.headers.get('cache-control')).toBe('no-cache');
    const etag = first.headers.get('etag') as string;
    expect(answer('/', { headers: { 'if-none-match': `W/${etag}` } }).status).toBe(304);
    expect(answer('/', { headers: { 'if-none-match': '"other"' } }).status).toBe(200);
  });
});
