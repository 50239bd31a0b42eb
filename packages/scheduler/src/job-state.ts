import { isStateStore, type StateStore, type TaskManager } from '@brokkr/core';

/** What outlives a scheduler: the last tick that was sent or given up, epoch milliseconds, and whether it is paused. */
export interface JobState {
  readonly last?: number | undefined;
  readonly paused: boolean;
}

const FRESH: JobState = { paused: false };

/** Keeps the state of jobs in the broker where it can, else in this process. */
export class JobStates implements StateKeeper {
  readonly #manager: TaskManager;
  readonly #here = new Map<string, string>();

  constructor(manager: TaskManager) {
    this.#manager = manager;
  }

  async read(id: string): Promise<JobState> {
    const store = await this.#store();
    const text = store === undefined ? this.#here.get(id) : await store.getState(key(id));
    return text === undefined ? FRESH : parse(text);
  }

  async write(id: string, state: JobState | undefined): Promise<void> {
    const store = await this.#store();
    const text = state === undefined ? undefined : JSON.stringify(state);
    if (store !== undefined) await store.setState(key(id), text);
    else if (text === undefined) this.#here.delete(id);
    else this.#here.set(id, text);
  }

  async #store(): Promise<StateStore | undefined> {
    const broker = await this.#manager.broker();
    return isStateStore(broker) ? broker : undefined;
  }
}

export interface StateKeeper {
  read(id: string): Promise<JobState>;
  write(id: string, state: JobState | undefined): Promise<void>;
}

function key(id: string): string {
  return `schedule:${id}`;
}

/** State that nobody of ours has written is taken for none: a schedule goes on. */
function parse(text: string): JobState {
  try {
    const { last, paused } = JSON.parse(text) as Record<string, unknown>;
    return { paused: paused === true, ...(typeof last === 'number' && { last }) };
  } catch {
    return FRESH;
  }
}
