import type { ResultStore } from '../broker/result-store.ts';
import { loadProgress } from '../control/progress-record.ts';
import { UnsupportedFeatureError } from '../errors/errors.ts';
import type { HandledMessage, HandlePorts } from './handle-ports.ts';
import { hasEnded, messageStatus, optionalStore } from './message-status.ts';
import { ProgressValues } from './progress-values.ts';

/** How often broker and store are asked beside the signals: a signal may be lost, and a worker may die. */
const LOOK_EVERY_MS = 1_000;

/** The progress of a message: the latest value first, then new ones, until the message has ended. */
export async function* progressFeed(message: HandledMessage, ports: HandlePorts): AsyncGenerator<unknown> {
  const { clock, control } = ports;
  const store = await storeFor(message, ports);
  const values = new ProgressValues(clock);
  const { heard, stop } = control.listen({
    onSignal: (signal) => {
      if (signal.topic === 'progress' && signal.id === message.id) values.heard(signal);
    },
    onGap: () => values.look(),
  });
  try {
    await Promise.race([heard, values.changed(LOOK_EVERY_MS)]);
    values.look();
    for (;;) {
      let isOver = values.hasEnded;
      if (isOver || values.isLookDue) {
        // Before the value is loaded: the last value is stored before the message ends.
        isOver ||= await isMessageOver(message, ports);
        const { version } = values;
        values.loaded(store && (await loadProgress(store, message.id)), version);
        values.lookIn(LOOK_EVERY_MS);
      }
      for (let json = values.shift(); json !== undefined; json = values.shift()) yield JSON.parse(json);
      if (isOver) return;
      await values.changed(LOOK_EVERY_MS);
    }
  } finally {
    stop();
  }
}

async function storeFor({ id, task }: HandledMessage, ports: HandlePorts): Promise<ResultStore | undefined> {
  const { signals } = await ports.broker();
  const store = await optionalStore(ports);
  if (signals !== undefined || store !== undefined) return store;
  throw new UnsupportedFeatureError(
    `task ${task.name}, message ${id}: progress needs a broker with signals, or a result store; set TASK_RESULT_URL`,
    { code: 'PROGRESS_UNSUPPORTED' },
  );
}

/** Whether the message is known to have ended. A broker that finds messages finds each one that has not. */
async function isMessageOver(message: HandledMessage, ports: HandlePorts): Promise<boolean> {
  try {
    const { state } = await messageStatus(message, ports);
    return hasEnded(state) || (state === 'unknown' && (await ports.broker()).messages !== undefined);
  } catch (error) {
    // If the state cannot be known, only a signal ends the iteration.
    if (error instanceof UnsupportedFeatureError) return false;
    throw error;
  }
}
