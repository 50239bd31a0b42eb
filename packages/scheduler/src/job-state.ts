import type { TaskManager } from '@brokkr/core';
import type { StateStore } from '@brokkr/core/adapter';

/** What outlives a scheduler: the last tick that is done with, epoch milliseconds, and whether the job is paused. */
export interface JobState {
  readonly last: number | undefined;
  readonly paused: boolean;
}

/**
 * Keeps the state of jobs in the broker where it can, else in this process. Tick and pause stand apart, so that a
 * scheduler that notes a tick cannot undo a pause that somebody else has just asked for.
 */
export class JobStates {
  readonly #manager: TaskManager;
  readonly #here = new Map<string, string>();

  constructor(manager: TaskManager) {
    this.#manager = manager;
  }

  async read(id: string): Promise<JobState> {
    const [last, paused] = await Promise.all([this.#get(lastKey(id)), this.#get(pausedKey(id))]);
    // State that nobody of ours has written is taken for none: a schedule goes on.
    return { last: /^-?\d{1,16}$/.test(last ?? '') ? Number(last) : undefined, paused: paused !== undefined };
  }

  async writeLast(id: string, last: number): Promise<void> {
    await this.#set(lastKey(id), String(last));
  }

  async writePaused(id: string, paused: boolean): Promise<void> {
    await this.#set(pausedKey(id), paused ? 'yes' : undefined);
  }

  /** What was noted of the message of the job's last tick. */
  readRun(id: string): Promise<string | undefined> {
    return this.#get(runKey(id));
  }

  async writeRun(id: string, run: string | undefined): Promise<void> {
    await this.#set(runKey(id), run);
  }

  async forget(id: string): Promise<void> {
    await Promise.all([lastKey(id), pausedKey(id), runKey(id)].map((key) => this.#set(key, undefined)));
  }

  async #get(key: string): Promise<string | undefined> {
    const store = await this.#store();
    return store === undefined ? this.#here.get(key) : store.get(key);
  }

  async #set(key: string, value: string | undefined): Promise<void> {
    const store = await this.#store();
    if (store !== undefined) await store.set(key, value);
    else if (value === undefined) this.#here.delete(key);
    else this.#here.set(key, value);
  }

  async #store(): Promise<StateStore | undefined> {
    return (await this.#manager.broker()).states;
  }
}

/** Where the broker keeps what is noted of a job's last message; a worker forgets it by this name. */
export function runKey(id: string): string {
  return `schedule:run:${id}`;
}

function lastKey(id: string): string {
  return `schedule:last:${id}`;
}

function pausedKey(id: string): string {
  return `schedule:paused:${id}`;
}
