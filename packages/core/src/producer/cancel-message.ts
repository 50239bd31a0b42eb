import type { Broker } from '../broker/broker.ts';
import type { MessageIndex } from '../broker/message-index.ts';
import { readLane } from '../broker/lane-names.ts';
import { pause } from '../clock/pause.ts';
import { TaskCancelledError, UnsupportedFeatureError } from '../errors/errors.ts';
import { encodeEnding } from '../result/result-record.ts';
import { findMessage } from './find-message.ts';
import type { HandledMessage, HandlePorts } from './handle-ports.ts';
import { optionalStore } from './message-status.ts';

/** How long a worker may take to answer, and how often it is asked in that time: a signal may be lost. */
const TRIES = 4;
const TRY_MS = 500;
/** Most bytes of a stored error. */
const ERROR_BYTES = 65_536;

/**
 * Removes a message that has not started; with `running`, asks the workers to abort it if it runs.
 * @returns whether it will not run any more
 */
export async function cancelMessage(message: HandledMessage, running: boolean, ports: HandlePorts): Promise<boolean> {
  const broker = await ports.broker();
  checkSupport(broker, message, running);
  const { messages } = broker;
  if (messages !== undefined && (await remove(message, messages, ports))) return true;
  return running ? abortRun(message, messages, ports) : false;
}

function checkSupport({ messages, signals }: Broker, { id, task }: HandledMessage, running: boolean): void {
  if (running ? signals !== undefined : messages !== undefined) return;
  const cannot = running ? 'abort running tasks, because it has no signals' : 'cancel messages by their ids';
  throw new UnsupportedFeatureError(`task ${task.name}, message ${id}: this broker cannot ${cannot}`, {
    code: 'CANCEL_UNSUPPORTED',
  });
}

async function remove(message: HandledMessage, messages: MessageIndex, ports: HandlePorts): Promise<boolean> {
  const { id, lanes } = message;
  const cancelled = await Promise.all(lanes.map((lane) => messages.cancel(lane, [id])));
  if (cancelled.every((ids) => ids.length === 0)) return false;
  await keepEnd(message, ports);
  return true;
}

/** Stores how the message ended, so that `result()` need not wait. A failure loses the result only. */
async function keepEnd({ id, task }: HandledMessage, ports: HandlePorts): Promise<void> {
  if (task.resultTtlMs === undefined) return;
  const error = new TaskCancelledError(`task ${task.name}, message ${id}, was cancelled before it started`);
  try {
    const store = await optionalStore(ports);
    await store?.store(id, encodeEnding({ error, state: 'cancelled' }, ERROR_BYTES), task.resultTtlMs);
  } catch (failure) {
    const about = { id, name: task.name };
    ports.logger.warn({ error: failure, task: about }, 'the result of a cancelled task could not be stored');
  }
}

async function abortRun(
  message: HandledMessage,
  messages: MessageIndex | undefined,
  ports: HandlePorts,
): Promise<boolean> {
  const { id } = message;
  const { queue } = readLane(message.queue);
  const { control, clock } = ports;
  const answered = new AbortController();
  const { heard, stop } = control.listen({
    onSignal: (signal) => {
      if (signal.topic === 'cancelling' && signal.id === id) answered.abort();
    },
    onGap: () => undefined,
  });
  try {
    await Promise.race([heard, pause(clock, TRIES * TRY_MS, answered.signal)]);
    for (let tried = 0; tried < TRIES; tried++) {
      if (messages !== undefined) {
        const located = await findMessage(message, messages);
        if (located === undefined || located.found.state === 'dead') return false;
        // A retry or a stop of its worker may have put it back.
        if (located.found.state !== 'running' && (await remove(message, messages, ports))) return true;
      }
      await control.send('cancel', { queue, id });
      await pause(clock, TRY_MS, answered.signal);
      if (answered.signal.aborted) return true;
    }
    return false;
  } finally {
    stop();
    answered.abort();
  }
}
