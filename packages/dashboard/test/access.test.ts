import { describe, expect, it } from 'vitest';
import { Credentials } from '../src/access/credentials.ts';
import { basicAuth, bearer, createDashboard, tokenLogin } from '../src/index.ts';
import { CHANGE, managerOf, mount } from './mounted.ts';

const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` });

describe('access', () => {
  it('has no default: a dashboard without a rule is an error', async () => {
    const tm = await managerOf();
    expect(() => createDashboard({ managers: tm } as never)).toThrow(
      expect.objectContaining({ code: 'DASHBOARD_INVALID' }),
    );
    expect(() => createDashboard({ managers: tm, access: [] })).toThrow('not open to everybody');
    expect(() => createDashboard({ access: () => 'read' })).toThrow('give managers or brokers');
    expect(() => basicAuth({ user: 'ada', password: '' })).toThrow('password of ada');
    expect(() => bearer({ token: 'short' })).toThrow('at least 16 characters');
  });

  it('by password: browsers are asked for it, and wrong ones are refused', async () => {
    const tm = await managerOf();
    const { get } = mount(tm, { access: basicAuth({ user: 'ada', password: 'pw:with colon', can: 'read' }) });
    const without = await get('session');
    expect(without).toMatchObject({ status: 401, body: { error: { code: 'UNAUTHENTICATED' } } });
    expect(without.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect((await get('session', basic('ada:wrong'))).status).toBe(401);
    const session = await get('session', basic('ada:pw:with colon'));
    expect(session.body.durationBounds).toContain(250);
    expect(session.body).toMatchObject({ who: 'ada', can: { operate: false, payloads: false, queues: 'all' } });
  });

  it('refuses further credentials for a minute after 10 wrong ones, except those that were right before', () => {
    let now = 0;
    const credentials = new Credentials([{ secret: 'right', access: { level: 'read' } }], () => now);
    const other = new Credentials([{ secret: 'right', access: { level: 'read' } }], () => now);
    expect(credentials.check('right')).toMatchObject({ level: 'read' });
    for (let tried = 0; tried < 10; tried++) {
      expect(credentials.check(`wrong ${tried}`)).toBe('none');
      expect(other.check(`wrong ${tried}`)).toBe('none');
    }
    expect(() => credentials.check('wrong')).toThrow(expect.objectContaining({ status: 429 }));
    expect(credentials.check('right')).toMatchObject({ level: 'read' });
    expect(() => other.check('right')).toThrow(expect.objectContaining({ status: 429 }));
    now = 60_001;
    expect(other.check('right')).toMatchObject({ level: 'read' });
  });

  it('by several rules: the first one that gives access decides', async () => {
    const tm = await managerOf();
    const token = 'a-token-of-a-program';
    const { get } = mount(tm, {
      access: [basicAuth({ user: 'ada', password: 'x' }), bearer({ token, who: 'ci', can: 'read' })],
    });
    expect((await get('session', { authorization: `Bearer ${token}` })).body.who).toBe('ci');
    expect((await get('session', basic('ada:x'))).body.who).toBe('ada');
    expect((await get('session')).status).toBe(401);
  });

  it('by a token in the URL, which becomes a cookie that scripts cannot read', async () => {
    const tm = await managerOf();
    const { token, access } = tokenLogin('4510', { level: 'operate', who: 'local' });
    const { get, post, dashboard } = mount(tm, { access });
    expect((await get('session')).status).toBe(401);
    expect((await post('login', { token: 'wrong' })).status).toBe(401);
    const { status, headers } = await post('login', { token });
    expect(status).toBe(200);
    const cookie = headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^brokkr-4510=[\w-]{32}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(token);
    expect((await get('session', { cookie: cookie.split(';', 1)[0] as string })).body.who).toBe('local');
    // A page of an earlier process does not lock out the new one.
    for (let tried = 0; tried < 12; tried++)
      expect((await get('session', { cookie: 'brokkr-4510=old' })).status).toBe(401);
    expect((await get('session', { cookie: cookie.split(';', 1)[0] as string })).status).toBe(200);
    const page = await dashboard.fetch(new Request('http://localhost/'));
    expect([200, 503]).toContain(page.status);
  });

  it('a rule that throws, or returns something else, gives no access', async () => {
    const tm = await managerOf();
    const failing = mount(tm, { access: () => Promise.reject(new Error('database down')) });
    expect(await failing.get('session')).toMatchObject({ status: 500, body: { error: { code: 'ACCESS_FAILED' } } });
    for (const answer of [undefined, null, true, 'admin', {}, { level: 'all' }]) {
      expect((await mount(tm, { access: (() => answer) as never }).get('session')).status).toBe(401);
    }
  });
});

describe('rights', () => {
  it('to read: every change is refused, and nothing changes', async () => {
    const tm = await managerOf();
    const task = tm.task({ name: 'a', queueName: 'q' }, async () => undefined);
    const { id } = await task.send();
    for (const options of [{ access: () => 'read' as const }, { readOnly: true }]) {
      const { post, get } = mount(tm, options);
      for (const [path, body] of [
        ['app/queues/q/pause', {}],
        ['app/queues/q/resume', {}],
        ['app/queues/q/purge', { confirm: 'q' }],
        ['app/queues/q/messages/retry', { ids: [id] }],
        ['app/queues/q/messages/discard', { ids: [id], confirm: 'q' }],
        ['app/queues/q/messages/cancel', { ids: [id] }],
        ['app/queues/q/messages/promote', { ids: [id] }],
        ['app/queues/q/messages/move', { ids: [id], to: 'q2' }],
        ['app/workers/w/quiet', { quiet: true }],
        ['app/schedules/s/run', {}],
        ['app/bulk', { do: 'retry', queue: 'q', filter: {}, expect: 1 }],
        ['app/bulk/x/stop', {}],
      ] as const) {
        expect([path, (await post(path, body)).status]).toEqual([path, 403]);
      }
      expect((await get('session')).body.can.operate).toBe(false);
    }
    expect(await tm.queue('q').counts()).toMatchObject({ ready: 1 });
    expect(await tm.queue('q').isPaused()).toBe(false);
  });

  it('by queue: other queues do not exist, in no call', async () => {
    const tm = await managerOf();
    for (const queueName of ['mine', 'theirs']) {
      await tm.task({ name: `in-${queueName}`, queueName }, async () => undefined).send();
    }
    const { get, post } = mount(tm, { access: () => ({ level: 'operate', queues: ['mine'] }) });
    expect((await get('app/queues')).body.items.map(({ name }: { name: string }) => name)).toEqual(['mine']);
    expect((await get('app/overview')).body).toMatchObject({ queues: 1, counts: { ready: 1 } });
    for (const path of [
      'app/queues/theirs',
      'app/queues/theirs/messages',
      'app/history?queue=theirs',
      'app/dead/groups?queue=theirs',
      'live?topics=queue:theirs',
    ]) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
    expect((await post('app/queues/theirs/purge', { confirm: 'theirs' })).status).toBe(404);
    expect((await post('app/bulk', { do: 'retry', queue: 'theirs', filter: {}, expect: 1 })).status).toBe(404);
    expect((await post('app/queues/mine/messages/move', { ids: ['x'], to: 'theirs' })).status).toBe(404);
    expect((await post('app/queues/mine/pause')).body).toEqual({ done: 1, missing: [] });
  });
});

describe('changes', () => {
  const JSON_BODY = { 'x-brokkr': '1', 'content-type': 'application/json' };
  it.each<[string, Record<string, string>, number]>([
    ['from the page', CHANGE, 200],
    ['from a program', JSON_BODY, 200],
    ['from the page of an old browser', { ...JSON_BODY, origin: 'http://localhost' }, 200],
    ['without the header', { 'content-type': 'application/json' }, 403],
    ['of a form', { 'x-brokkr': '1', 'content-type': 'text/plain' }, 415],
    ['from another site', { ...JSON_BODY, 'sec-fetch-site': 'cross-site' }, 403],
    ['from a sibling site', { ...JSON_BODY, 'sec-fetch-site': 'same-site', origin: 'http://localhost' }, 403],
    ['typed into a browser', { ...JSON_BODY, 'sec-fetch-site': 'none' }, 403],
    ['from another origin', { ...JSON_BODY, origin: 'http://evil.example' }, 403],
    ['from another port', { ...JSON_BODY, origin: 'http://localhost:81' }, 403],
    ['from a sandboxed page', { ...JSON_BODY, origin: 'null' }, 403],
  ])('%s are answered as they should be', async (_, headers, status) => {
    const tm = await managerOf();
    await tm.task({ name: 'a', queueName: 'q' }, async () => undefined).send();
    const { post } = mount(tm);
    expect((await post('app/queues/q/pause', {}, headers)).status).toBe(status);
    expect(await tm.queue('q').isPaused()).toBe(status === 200);
  });

  it('are noted, with the user and the number', async () => {
    const tm = await managerOf();
    await tm.task({ name: 'a', queueName: 'q' }, async () => undefined).send();
    const noted: unknown[] = [];
    const { post } = mount(tm, {
      access: () => ({ level: 'operate', who: 'ada' }),
      onAction: (action) => noted.push(action),
    });
    await post('app/queues/q/pause');
    await post('app/queues/q/purge', { confirm: 'q' });
    expect(noted).toEqual([
      { who: 'ada', what: 'pause', broker: 'app', queue: 'q', count: 1 },
      { who: 'ada', what: 'purge', broker: 'app', queue: 'q', count: 1 },
    ]);
  });
});

it('a host that is not on the list is refused, also for the page', async () => {
  const tm = await managerOf();
  const { dashboard } = mount(tm, { hosts: ['localhost:4510'] });
  const status = async (host: string, path: string) =>
    (await dashboard.fetch(new Request(`http://x${path}`, { headers: { host } }))).status;
  expect(await status('localhost:4510', '/api/v1/session')).toBe(200);
  expect(await status('evil.example:4510', '/api/v1/session')).toBe(421);
  expect(await status('evil.example:4510', '/')).toBe(421);
});
