import { expect, it, onTestFinished, vi } from 'vitest';
import type { ApiError } from '../../page/src/api/client.ts';
import { exchangeFurtherTokens, login } from '../../page/src/api/login.ts';

/** A tab of a browser, and a server that knows one token. */
function openTab(hash: string, known: string) {
  const location = { hash };
  const history = {
    replaceState: (_state: unknown, _title: string, address: string) => {
      location.hash = address;
    },
  };
  const tab = Object.assign(new EventTarget(), { location, history });
  vi.stubGlobal('fetch', async (_url: string, { body }: { body: string }) => {
    if ((JSON.parse(body) as { token: string }).token === known) return Response.json({});
    return Response.json({ error: { code: 'UNAUTHENTICATED', message: 'wrong token' } }, { status: 401 });
  });
  onTestFinished(() => {
    vi.unstubAllGlobals();
  });
  const go = (to: string) => {
    location.hash = to;
    tab.dispatchEvent(new Event('hashchange'));
  };
  return { tab, go };
}

it('the token of an address that is opened later in the same tab signs in, and leaves the address', async () => {
  const { tab, go } = openTab('#/', 'new');
  expect(await login(tab)).toBeUndefined();
  const exchanged: (ApiError | undefined)[] = [];
  exchangeFurtherTokens(tab, (refused) => exchanged.push(refused));
  go('#t=old');
  await expect.poll(() => exchanged.length).toBe(1);
  expect(exchanged[0]).toMatchObject({ status: 401, message: 'wrong token' });
  go('#t=new');
  expect(tab.location.hash).toBe('#/');
  await expect.poll(() => exchanged.length).toBe(2);
  expect(exchanged[1]).toBeUndefined();
  go('#/app/queues');
  expect(tab.location.hash).toBe('#/app/queues');
  expect(exchanged).toHaveLength(2);
});
