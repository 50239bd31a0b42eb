import type { ResultStore } from '../broker/result-store.ts';
import { ATTEMPT_HEADER } from '../broker/headers.ts';
import { loadProgress } from '../control/progress-record.ts';
import { UnsupportedFeatureError } from '../errors/errors.ts';
import { decodeResult } from '../result/result-record.ts';
import type { TaskState, TaskStatus } from '../task/task-handle.ts';
import { findMessage } from './find-message.ts';
import type { HandledMessage, HandlePorts } from './handle-ports.ts';

const NO_WAIT = AbortSignal.abort();

/** Whether a message in this state has ended. */
export function hasEnded(state: TaskState): boolean {
  return state === 'succeeded' || state === 'dead' || state === 'cancelled' || state === 'expired';
}

/** Looks a message up: at the broker first, because a redriven message has a result of its earlier end. */
export async function messageStatus(message: HandledMessage, ports: HandlePorts): Promise<TaskStatus> {
  const { id, task } = message;
  const { messages } = await ports.broker();
  const keepsResult = task.resultTtlMs !== undefined;
  if (messages === undefined && !keepsResult) {
    throw new UnsupportedFeatureError(
      `task ${task.name}, message ${id}: this broker cannot find messages by their ids, and the task keeps no result; give it the option \`result: '1h'\` and set TASK_RESULT_URL`,
      { code: 'STATUS_UNSUPPORTED' },
    );
  }
  const store = keepsResult ? await ports.resultStore() : await optionalStore(ports);
  const located = messages && (await findMessage(message, messages));
  const json = store && (await loadProgress(store, id));
  const progress = json === undefined ? {} : { progress: JSON.parse(json) as unknown };
  if (located === undefined) {
    const state = store !== undefined && keepsResult ? await endOf(message, store) : 'unknown';
    return { state, ...progress };
  }
  const { state, envelope } = located.found;
  return { state, attempt: attemptOf(envelope.headers[ATTEMPT_HEADER]), ...progress };
}

/** The result store, or `undefined` if the configured one cannot keep results. */
export async function optionalStore({ resultStore }: HandlePorts): Promise<ResultStore | undefined> {
  try {
    return await resultStore();
  } catch (error) {
    if (error instanceof UnsupportedFeatureError) return undefined;
    throw error;
  }
}

async function endOf({ id, task }: HandledMessage, store: ResultStore): Promise<TaskState> {
  const bytes = await store.load(id, NO_WAIT);
  if (bytes === undefined) return 'unknown';
  const record = decodeResult(bytes, `task ${task.name}, message ${id}`);
  return record.kind === 'error' ? record.state : 'succeeded';
}

/** Any program may write the header. */
function attemptOf(header: string | undefined): number {
  const attempt = Number(header ?? 1);
  return Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 1;
}
