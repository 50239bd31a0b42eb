import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { EXIT, UsageError } from '../exit.ts';
import { print, printable } from '../output.ts';
import { type LocatedMessage, locateMessage, type MessageOptions } from './locate-message.ts';
import { unknownMessage } from './unknown-message.ts';

export interface CancelOptions extends MessageOptions {
  /** Whether a task that runs is aborted. */
  readonly running: boolean;
}

/**
 * Cancels a message that has not started; with `running`, also one that runs. Prints `cancelled`.
 *
 * @returns the exit code: 1 if the message will run, runs or has ended
 * @throws UsageError if the message is unknown
 */
export async function cancelCommand(id: string, options: CancelOptions): Promise<number> {
  return withBroker(options.broker, 'brokkr cancel', async (opened) => {
    checkSupport(opened, options.running);
    const message = await locateMessage(opened, id, options);
    const obstacle = await obstacleTo(opened, id, message, options);
    if (obstacle === undefined) {
      print('cancelled');
      return EXIT.fine;
    }
    process.stderr.write(`error: ${printable(obstacle)}\n`);
    return EXIT.failed;
  });
}

function checkSupport({ broker: { messages, signals } }: OpenedBroker, running: boolean): void {
  if (messages !== undefined || (running && signals !== undefined)) return;
  const advice = signals === undefined ? '' : '; --running aborts the task if it runs';
  throw new UsageError(`brokkr cancel: this broker cannot find messages by their ids${advice}`);
}

/** Cancels the message. @returns why it was not cancelled */
async function obstacleTo(
  opened: OpenedBroker,
  id: string,
  message: LocatedMessage,
  options: CancelOptions,
): Promise<string | undefined> {
  const { queues, found, handle } = message;
  const { running } = options;
  const { broker } = opened;
  const [queue = ''] = queues;
  if (broker.messages !== undefined && found === undefined) {
    const { state } = await handle(queue).status();
    if (state === 'unknown') throw await unknownMessage(opened, 'brokkr cancel', id, options, message);
    return `message ${id} has ended: ${state}`;
  }
  if (found?.state === 'dead') {
    return `message ${id} is a dead letter; remove it with brokkr dead discard ${queue} ${id}`;
  }
  // Without an index, every queue in which the message may run is asked.
  const cancelled = await Promise.all(queues.map((each) => handle(each).cancel({ running })));
  if (cancelled.includes(true)) return undefined;
  if (!running) return `message ${id} runs; --running aborts it`;
  return found === undefined
    ? `no worker of ${queues.join(', ')} runs message ${id}`
    : `message ${id} runs, and its worker did not answer; it may have ended`;
}
