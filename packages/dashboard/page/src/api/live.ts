import { effect, signal } from '@preact/signals';
import type { LiveEvent, Topic } from '../../../src/api/types.ts';
import { ApiError, apiUrl } from './client.ts';
import { now } from './clock.ts';
import { readEvents } from './event-stream.ts';
import { forgetLiveData, takeEvent } from './live-data.ts';
import { poll } from './poll.ts';
import { loadSession } from './session.ts';

/** How the page gets its figures, shown at the top. */
export type Connection =
  | { readonly state: 'opening' | 'live' | 'polling' | 'stopped' }
  /** Nothing answers. Times are of the server's clock. */
  | { readonly state: 'lost'; readonly since: number; readonly nextTry: number; readonly reason: string };

export const connection = signal<Connection>({ state: 'opening' });

/** What the open page shows; `undefined` before a broker is known. */
export const wanted = signal<{ readonly broker: string; readonly topics: readonly Topic[] } | undefined>(undefined);

/** Set while the user stopped the updates. */
export const stopped = signal(false);

/** The server sends a comment each 15 s. Without one for 20 s the stream is dead, even if no error says so. */
const SILENCE_MS = 20_000;
const POLL_MS = 10_000;

let run = new AbortController();
let lastBroker = '';
const retryNow = signal(0);

/** Tries to connect at once. */
export function reconnect(): void {
  retryNow.value += 1;
}

/** Keeps the figures current from now on, while the page is visible. */
export function startLive(): void {
  const hidden = signal(document.hidden);
  document.addEventListener('visibilitychange', () => {
    hidden.value = document.hidden;
  });
  effect(() => {
    void retryNow.value;
    run.abort();
    if (hidden.value || wanted.value === undefined) return;
    if (wanted.value.broker !== lastBroker) forgetLiveData();
    lastBroker = wanted.value.broker;
    if (stopped.value) {
      connection.value = { state: 'stopped' };
      return;
    }
    run = new AbortController();
    void keepUp(wanted.value.broker, wanted.value.topics, run.signal);
  });
}

/** Streams; if the stream ends or is silent, polls for a while and tries to stream again. */
async function keepUp(broker: string, topics: readonly Topic[], signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const streamed = await stream(broker, topics, signal);
    if (signal.aborted) return;
    if (streamed) failures = 0;
    const failure = await pollOnce(broker, topics, signal);
    if (signal.aborted) return;
    failures = failure === undefined ? 0 : failures + 1;
    if (failure === undefined) {
      if (connection.peek().state === 'lost') void loadSession();
      // A stream that ended well, such as at a deployment, is opened again at once.
      if (!streamed) connection.value = { state: 'polling' };
      await sleep(streamed ? 1_000 : POLL_MS, signal);
    } else {
      const wait = Math.min(30_000, 1_000 * 2 ** failures);
      const before = connection.peek();
      const since = before.state === 'lost' ? before.since : now.peek();
      connection.value = { state: 'lost', since, nextTry: now.peek() + wait, reason: failure };
      await sleep(wait, signal);
    }
  }
}

/** @returns whether at least one event arrived */
async function stream(broker: string, topics: readonly Topic[], outer: AbortSignal): Promise<boolean> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  let received = false;
  try {
    const response = await fetch(apiUrl(['live'], { broker, topics: topics.join(',') }), {
      headers: { accept: 'text/event-stream' },
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.any([outer, silence.signal]),
    });
    if (!response.ok || response.body === null) return false;
    await readEvents(response.body, {
      alive: () => {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
      },
      data: (text) => {
        if (outer.aborted) return;
        takeEvent(JSON.parse(text) as LiveEvent);
        if (!received) connection.value = { state: 'live' };
        received = true;
      },
    });
  } catch {
    // The stream broke, or was silent: the caller polls.
  } finally {
    clearTimeout(timer);
  }
  return received;
}

/** @returns why it failed, or `undefined` */
async function pollOnce(broker: string, topics: readonly Topic[], signal: AbortSignal): Promise<string | undefined> {
  try {
    await poll(broker, topics, AbortSignal.any([signal, AbortSignal.timeout(SILENCE_MS)]));
    return undefined;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) void loadSession();
    return error instanceof Error ? error.message : String(error);
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
