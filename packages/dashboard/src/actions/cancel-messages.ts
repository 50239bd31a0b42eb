import { setTimeout as sleep } from 'node:timers/promises';
import { TaskCancelledError } from '@brokkr/core';
import { type Broker, controlSignal, encodeEnding, readControlSignal } from '@brokkr/core/adapter';
import type { Done } from '../api/types.ts';
import { ApiError } from '../http/api-error.ts';
import { except } from './change-letters.ts';

/** How long a worker may take to answer, and how often it is asked in that time: a signal may be lost. */
const TRIES = 4;
const TRY_MS = 500;
/** How long the end of a cancelled message is kept for `handle.result()`. */
const RESULT_MS = 3_600_000;
const RESULT_BYTES = 65_536;

/**
 * Cancels messages that have not started; with `running`, also asks workers to abort those that run.
 *
 * @returns how many will not run any more, and the ids of the others
 * @throws ApiError 501 if the broker can do neither
 */
export async function cancelMessages(
  broker: Broker,
  queue: string,
  ids: readonly string[],
  running: boolean,
): Promise<Done> {
  if (broker.messages === undefined && !(running && broker.signals !== undefined)) {
    const message = 'this broker cannot find messages by their ids; it can only abort running tasks';
    throw new ApiError(501, 'UNSUPPORTED', message);
  }
  const cancelled = new Set(await removed(broker, queue, ids));
  const left = ids.filter((id) => !cancelled.has(id));
  if (running && left.length > 0) for (const id of await abortRuns(broker, queue, left)) cancelled.add(id);
  return { done: cancelled.size, missing: except(ids, [...cancelled]) };
}

async function removed(broker: Broker, queue: string, ids: readonly string[]): Promise<readonly string[]> {
  const gone = (await broker.messages?.cancel(queue, ids)) ?? [];
  const { results } = broker;
  if (results === undefined) return gone;
  // Callers that wait for the result learn the end. A store that fails loses that only.
  await Promise.allSettled(
    gone.map((id) => {
      const error = new TaskCancelledError(`message ${id} was cancelled before it started`);
      return results.store(id, encodeEnding({ error, state: 'cancelled' }, RESULT_BYTES), RESULT_MS);
    }),
  );
  return gone;
}

/** @returns ids whose runs were aborted, or that their workers had put back, and that were removed */
async function abortRuns(broker: Broker, queue: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const { signals, messages } = broker;
  const ended = new Set<string>();
  if (signals === undefined) return ended;
  const waiting = new Set(ids);
  const complete = new AbortController();
  const stop = await signals.listen((sent) => {
    const signal = readControlSignal(sent);
    if (signal?.topic !== 'cancelling' || !waiting.delete(signal.id)) return;
    ended.add(signal.id);
    if (waiting.size === 0) complete.abort();
  });
  try {
    for (let tried = 0; tried < TRIES && waiting.size > 0; tried++) {
      if (messages !== undefined) {
        const found = await messages.find(queue, [...waiting]);
        const running = new Set(found.filter(({ state }) => state !== 'dead').map(({ envelope }) => envelope.id));
        for (const id of [...waiting]) if (!running.has(id)) waiting.delete(id);
        const back = found.filter(({ state }) => state === 'ready' || state === 'delayed');
        for (const id of await removed(
          broker,
          queue,
          back.map(({ envelope }) => envelope.id),
        )) {
          waiting.delete(id);
          ended.add(id);
        }
      }
      if (waiting.size === 0) break;
      await Promise.all([...waiting].map((id) => signals.send(controlSignal('cancel', { queue, id }))));
      await sleep(TRY_MS, undefined, { signal: complete.signal, ref: false }).catch(() => undefined);
    }
  } finally {
    await stop();
  }
  return ended;
}
