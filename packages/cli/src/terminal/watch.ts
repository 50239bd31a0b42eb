import { setTimeout as sleep } from 'node:timers/promises';
import { describe } from '../explain.ts';
import { outputClosed, printable } from '../output.ts';
import { StopRequests } from '../processes/stop-requests.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Calls `look` every second until a signal stops it or no program reads the output. If the broker becomes unreachable after
 * the first look, `onError` gets the reason, and the looks go on: a person watches it come back.
 *
 * @throws the error of the first look, and every error that is not `BROKER_UNAVAILABLE`
 */
export async function watch(look: () => Promise<void>, onError: (reason: string) => void): Promise<void> {
  const stopped = new AbortController();
  const requests = new StopRequests(() => stopped.abort());
  const ended = AbortSignal.any([stopped.signal, outputClosed]);
  try {
    await look();
    while (!ended.aborted) {
      await sleep(LOOK_EVERY_MS, undefined, { signal: ended }).catch(() => undefined);
      if (ended.aborted) return;
      await look().catch((error: unknown) => onError(unreachable(error)));
    }
  } finally {
    requests.close();
  }
}

function unreachable(error: unknown): string {
  if (error instanceof Error && (error as { code?: unknown }).code === 'BROKER_UNAVAILABLE')
    return printable(describe(error));
  throw error;
}
