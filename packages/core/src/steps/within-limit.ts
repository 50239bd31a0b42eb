import type { Clock } from '../clock/clock.ts';
import { TaskTimeoutError } from '../errors/errors.ts';

/**
 * Calls `work` with a signal that aborts with `outer`, and after `timeoutMs`. Resolves as `work` does.
 * @param of task and step, for the error
 * @throws TaskTimeoutError (`STEP_TIMEOUT`) after `timeoutMs`, also if `work` ignores its signal
 */
export async function withinLimit(
  work: (signal: AbortSignal) => unknown,
  { outer, timeoutMs, clock, of }: { outer: AbortSignal; timeoutMs: number | undefined; clock: Clock; of: string },
): Promise<unknown> {
  if (timeoutMs === undefined) return work(outer);
  const controller = new AbortController();
  const forward = () => controller.abort(outer.reason);
  outer.addEventListener('abort', forward, { once: true });
  if (outer.aborted) forward();
  let late: () => void = () => undefined;
  const timer = clock.setTimeout(() => late(), timeoutMs);
  try {
    return await Promise.race([
      work(controller.signal),
      new Promise<never>((_, reject) => {
        late = () => {
          const error = new TaskTimeoutError(`${of} ran for longer than its timeout of ${timeoutMs} ms`, {
            timeoutMs,
            code: 'STEP_TIMEOUT',
          });
          controller.abort(error);
          reject(error);
        };
      }),
    ]);
  } finally {
    clock.clearTimeout(timer);
    outer.removeEventListener('abort', forward);
  }
}
