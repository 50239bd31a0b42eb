import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { ApiError, get } from './client.ts';
import { stopped } from './live.ts';

/** An answer that is kept current. */
export interface Resource<Answer> {
  /** The last answer, also of the address before this one while a new one loads. */
  readonly data: Answer | undefined;
  readonly error: ApiError | undefined;
  /** Whether the answer to this address has not arrived yet. */
  readonly loading: boolean;
  /** Asks again now. */
  readonly reload: () => void;
}

/** How often a list that is held looks whether it is to load again. */
const HELD_MS = 1_000;

const changes = signal(0);

/** Makes every list on the page load again: something was changed. */
export function reloadAll(): void {
  changes.value += 1;
}

/**
 * Loads an address, and loads it again each `everyMs` after the last answer, so that slow answers never pile up.
 * @param url `undefined`: nothing is loaded
 * @param everyMs 0: only when asked; it may change at any time
 */
export function useResource<Answer>(url: string | undefined, everyMs: number): Resource<Answer> {
  const state = useSignal<{ url?: string | undefined; data?: Answer; error?: ApiError }>({});
  const asked = useSignal(0);
  const address = useSignal(url);
  const every = useRef(everyMs);
  every.current = everyMs;
  useEffect(() => {
    address.value = url;
  }, [url]);

  useSignalEffect(() => {
    void asked.value;
    void changes.value;
    const target = address.value;
    if (target === undefined) return;
    const aborter = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async () => {
      try {
        if (!document.hidden || state.peek().url !== target) {
          const data = await get<Answer>(target, aborter.signal);
          if (!aborter.signal.aborted) state.value = { url: target, data };
        }
      } catch (error) {
        if (aborter.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        const { data } = state.peek();
        state.value = { url: target, error, ...(data !== undefined && { data }) };
      }
      schedule();
    };
    const schedule = () => {
      if (aborter.signal.aborted) return;
      timer = setTimeout(
        () => (stopped.peek() || every.current === 0 ? schedule() : void load()),
        every.current || HELD_MS,
      );
    };
    void load();
    return () => {
      aborter.abort();
      clearTimeout(timer);
    };
  });

  const { data, error, url: loaded } = state.value;
  return {
    data,
    error: loaded === url ? error : undefined,
    loading: url !== undefined && loaded !== url,
    reload: () => {
      asked.value += 1;
    },
  };
}
