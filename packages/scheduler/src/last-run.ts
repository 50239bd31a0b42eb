import type { Broker, Send, TaskHandle } from '@brokkr/core';
import { FORGET_HEADER, laneNames, type MessageIndex } from '@brokkr/core/adapter';
import { type JobStates, runKey } from './job-state.ts';

type AnySend = Send<readonly unknown[], unknown>;

/**
 * How long a message counts as running, if the broker does not know its messages by id: nothing reports a message that
 * was purged.
 */
const BELIEVED_MS = 86_400_000;

/** Whether schedulers on this broker can know if the message of the last tick has ended. */
export function knowsRuns(broker: Broker): boolean {
  return broker.states !== undefined;
}

/**
 * The message of a job's last tick, for `overlap: 'skip'`.
 *
 * If the broker knows its messages by id, the id is stored with the job's state, and the broker is asked for it.
 * Otherwise the instant of the tick is stored before the message is sent, and the worker that ends the message deletes it.
 */
export class LastRun {
  readonly #id: string;
  readonly #states: JobStates;
  /** A tick whose note is stored and whose message could not be sent. */
  #unsent: number | undefined;

  constructor(id: string, states: JobStates) {
    this.#id = id;
    this.#states = states;
  }

  /**
   * Returns whether the message of the last tick has not ended.
   * @param last the last tick that was sent, epoch milliseconds
   * @param now epoch milliseconds
   */
  async isOpen(broker: Broker, last: number, now: number): Promise<boolean> {
    const noted = await this.#states.readRun(this.#id);
    if (noted === undefined) return false;
    if (broker.messages !== undefined) {
      const [queue = '', id = ''] = noted.split(' ');
      return id !== '' && (await isUnfinished(broker.messages, queue, id));
    }
    const tick = Number(noted);
    // A note without a message says nothing. A tick in the future was sent before the clock went back.
    return tick <= last && tick !== this.#unsent && Math.abs(now - tick) < BELIEVED_MS;
  }

  /** Sends the message of a tick, and notes it, or the one that it is joined with. */
  async send(broker: Broker, send: AnySend, args: readonly unknown[], tick: number): Promise<TaskHandle> {
    if (broker.messages !== undefined) {
      const handle = await send(...args);
      await this.#states.writeRun(this.#id, `${handle.queue} ${handle.id}`);
      return handle;
    }
    await this.#states.writeRun(this.#id, String(tick));
    this.#unsent = tick;
    const handle = await send.with({ headers: { [FORGET_HEADER]: `${tick} ${runKey(this.#id)}` } }).send(...args);
    // No message has the header: nothing would ever remove the note.
    if (handle.outcome === 'duplicate') await this.#states.writeRun(this.#id, undefined);
    this.#unsent = undefined;
    return handle;
  }

  /** Considers the last run as ended, if the broker cannot be asked for it. */
  async forget(broker: Broker): Promise<void> {
    if (broker.messages === undefined) await this.#states.writeRun(this.#id, undefined);
  }
}

/** Whether a message has not ended. A handle does not say in which lane of its queue it is. */
async function isUnfinished(messages: MessageIndex, queue: string, id: string): Promise<boolean> {
  const found = await Promise.all(laneNames(queue).map((lane) => messages.unfinished(lane, [id])));
  return found.some((ids) => ids.length > 0);
}
