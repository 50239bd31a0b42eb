import type { Broker, TaskManager } from '@brokkr/core';
import type { StateStore } from '@brokkr/core/adapter';
import { LAST_INSTANT } from './trigger.ts';

/** How far a job is. */
export interface Progress {
  /** The last tick that was sent or passed over, epoch milliseconds. */
  readonly last: number;
  /**
   * Set while ticks are sent for the second time, after the clock of the host went back: the last tick before that.
   * Epoch milliseconds.
   */
  readonly repeatsUntil?: number | undefined;
}

/** The part of a job that outlives its scheduler. */
export interface JobState {
  /** `undefined` for a new job. */
  readonly progress: Progress | undefined;
  readonly paused: boolean;
}

/**
 * Reads and writes the state of jobs: in the broker if it stores states, else in this process. Progress and pause have a
 * key each, so that a scheduler that stores a tick cannot undo the pause that another process has just written.
 */
export class JobStates {
  readonly #manager: TaskManager;
  /** States for each broker that stores none. */
  readonly #here = new WeakMap<Broker, Map<string, string>>();

  constructor(manager: TaskManager) {
    this.#manager = manager;
  }

  async read(id: string): Promise<JobState> {
    const [progress, paused] = await Promise.all([this.#get(progressKey(id)), this.#get(pausedKey(id))]);
    return { progress: readProgress(progress), paused: paused !== undefined };
  }

  async writeProgress(id: string, { last, repeatsUntil }: Progress): Promise<void> {
    await this.#set(progressKey(id), repeatsUntil === undefined ? String(last) : `${last} ${repeatsUntil}`);
  }

  async writePaused(id: string, paused: boolean): Promise<void> {
    await this.#set(pausedKey(id), paused ? 'yes' : undefined);
  }

  /** Reads the note about the message of the job's last tick: see `LastRun`. */
  readRun(id: string): Promise<string | undefined> {
    return this.#get(runKey(id));
  }

  async writeRun(id: string, run: string | undefined): Promise<void> {
    await this.#set(runKey(id), run);
  }

  async forget(id: string): Promise<void> {
    await Promise.all([progressKey(id), pausedKey(id), runKey(id)].map((key) => this.#set(key, undefined)));
  }

  async #get(key: string): Promise<string | undefined> {
    const broker = await this.#manager.broker();
    return broker.states === undefined ? this.#localOf(broker).get(key) : broker.states.get(key);
  }

  async #set(key: string, value: string | undefined): Promise<void> {
    const broker = await this.#manager.broker();
    const store: StateStore | undefined = broker.states;
    if (store !== undefined) await store.set(key, value);
    else if (value === undefined) this.#localOf(broker).delete(key);
    else this.#localOf(broker).set(key, value);
  }

  #localOf(broker: Broker): Map<string, string> {
    const known = this.#here.get(broker) ?? new Map<string, string>();
    this.#here.set(broker, known);
    return known;
  }
}

/** State in another form was written by another program. It counts as no state, so that the schedule goes on. */
function readProgress(text: string | undefined): Progress | undefined {
  const match = /^(-?\d{1,16})(?: (-?\d{1,16}))?$/.exec(text ?? '');
  if (match === null) return undefined;
  const [last, repeatsUntil] = [Number(match[1]), match[2] === undefined ? undefined : Number(match[2])];
  if (Math.abs(last) > LAST_INSTANT || Math.abs(repeatsUntil ?? 0) > LAST_INSTANT) return undefined;
  return { last, repeatsUntil };
}

/** The key of the note about a job's last message. The worker that ends the message deletes this key. */
export function runKey(id: string): string {
  return `schedule:run:${id}`;
}

function progressKey(id: string): string {
  return `schedule:last:${id}`;
}

function pausedKey(id: string): string {
  return `schedule:paused:${id}`;
}
