import type { Broker, Send, TaskHandle } from '@brokkr/core';
import { FORGET_HEADER } from '@brokkr/core/adapter';
import { type JobStates, runKey } from './job-state.ts';

type AnySend = Send<readonly unknown[], unknown>;

/** How long a message is believed to run that nobody can be asked about: it may have been purged. */
const BELIEVED_MS = 86_400_000;

/** Whether schedulers on this broker can tell if the message of the tick before has ended. */
export function canTellRuns(broker: Broker): boolean {
  return broker.states !== undefined;
}

/**
 * The message of a job's last tick, for `overlap: 'skip'`. Its id is kept with the job's state, and a broker that knows
 * its messages by id is asked for it. Elsewhere the instant of the tick is kept before it is sent, and the worker that
 * ends the message forgets it.
 */
export class LastRun {
  readonly #id: string;
  readonly #states: JobStates;
  /** A tick that was noted and could not be sent. */
  #unsent: number | undefined;

  constructor(id: string, states: JobStates) {
    this.#id = id;
    this.#states = states;
  }

  /** @param last the last tick that is known to have been sent @param now epoch milliseconds */
  async isOpen(broker: Broker, last: number, now: number): Promise<boolean> {
    const noted = await this.#states.readRun(this.#id);
    if (noted === undefined) return false;
    if (broker.messages !== undefined) {
      const [queue = '', id = ''] = noted.split(' ');
      return id !== '' && (await broker.messages.unfinished(queue, [id])).length > 0;
    }
    const tick = Number(noted);
    // One that was noted and then not sent says nothing.
    return tick <= last && tick !== this.#unsent && now - tick < BELIEVED_MS;
  }

  async send(broker: Broker, send: AnySend, args: readonly unknown[], tick: number): Promise<void> {
    if (broker.messages !== undefined) {
      await this.#note(await send(...args));
      return;
    }
    await this.#states.writeRun(this.#id, String(tick));
    this.#unsent = tick;
    await send.with({ headers: { [FORGET_HEADER]: `${tick} ${runKey(this.#id)}` } }).send(...args);
    this.#unsent = undefined;
  }

  /** Takes the last run for ended, where nobody can be asked. */
  async forget(broker: Broker): Promise<void> {
    if (broker.messages === undefined) await this.#states.writeRun(this.#id, undefined);
  }

  async #note({ queue, id }: TaskHandle): Promise<void> {
    await this.#states.writeRun(this.#id, `${queue} ${id}`);
  }
}
