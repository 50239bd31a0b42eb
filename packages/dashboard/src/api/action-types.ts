import type { ErrorBody } from './session-types.ts';

/** How a change went. */
export interface Done {
  /** How many messages, or 1 for a queue, worker, schedule or job. */
  readonly done: number;
  /** Ids for which nothing was done: they are not there, or not in a state that allows it. */
  readonly missing: readonly string[];
}

/** A change that cannot be undone. */
export interface Confirmed {
  /** The queue's name, as the user typed it. */
  readonly confirm: string;
}

/** A change of messages by their ids. */
export interface IdsRequest {
  /** 1 to 500. */
  readonly ids: readonly string[];
  /** Only of `cancel`: also aborts running tasks. */
  readonly running?: boolean;
  /** Needed by `discard`: the queue's name. */
  readonly confirm?: string;
}

/** Dead letters that go to another queue. */
export interface MoveRequest {
  readonly ids: readonly string[];
  /** Name of the queue that gets the dead letters, as ready messages. */
  readonly to: string;
  /** Whether the queue may be new. Without it, a queue that is not known is refused with `QUEUE_NEW`. @default false */
  readonly create?: boolean | undefined;
}

/** Whether a worker takes no more messages. */
export interface QuietRequest {
  readonly quiet: boolean;
}

/** Which dead letters: each condition that is given must hold. */
export interface LetterQuery {
  readonly task?: string;
  /** Text in the reason, in upper or lower case. */
  readonly error?: string;
  /** `DeadGroup.error`, exactly. */
  readonly group?: string;
  /** Text in the arguments, as the user may see them. */
  readonly text?: string;
  /** Epoch milliseconds: died then or later. */
  readonly since?: number;
  /** Epoch milliseconds: died then or earlier, by the worker's clock. A letter that does not say when it died matches. */
  readonly until?: number;
}

/** A change of all dead letters that match a filter. */
export interface BulkRequest {
  readonly do: 'retry' | 'discard' | 'move';
  readonly queue: string;
  readonly filter: LetterQuery;
  /** Only of `move`: the queue that gets the letters as ready messages. */
  readonly to?: string;
  /** Only of `move`: as `MoveRequest.create`. */
  readonly create?: boolean;
  /** How many letters the user expects to change. */
  readonly expect: number;
  /** Needed by `discard`, and above 100 letters: the queue's name. */
  readonly confirm?: string;
}

/** The id of a bulk job that has begun. */
export interface BulkStarted {
  readonly job: string;
}

/** A bulk job, and how far it is. */
export interface BulkJob {
  readonly id: string;
  readonly do: BulkRequest['do'];
  readonly queue: string;
  readonly filter: LetterQuery;
  readonly to?: string;
  readonly who: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  /**
   * `stopped`: by a user, or with its dashboard; what was done stays done. `failed`: see `error`. `interrupted`: its
   * dashboard ended without notice; at least `done` letters were changed, and those that it did not reach are still dead.
   */
  readonly state: 'running' | 'done' | 'stopped' | 'failed' | 'interrupted';
  /** The job belongs to another dashboard, which can be an earlier process of this one: it cannot be stopped here. */
  readonly isElsewhere?: boolean;
  readonly done: number;
  readonly looked: number;
  readonly total: number;
  readonly error?: ErrorBody['error'];
}
