/** States that messages are listed by. Running ones are those that workers reported, at most 100 a worker. */
export type MessageState = 'ready' | 'delayed' | 'running' | 'dead';

/** A message in a list. */
export interface MessageRow {
  readonly id: string;
  readonly queue: string;
  readonly state: MessageState;
  /** Empty if the message has none. */
  readonly task: string;
  readonly sentAt?: number;
  /** When a delayed message becomes ready. */
  readonly dueAt?: number;
  /** Whether it is delayed because an attempt failed. */
  readonly isRetry?: boolean;
  /** Number of the attempt that runs, or comes next. Of a dead letter: how many ended. A crash ends none. */
  readonly attempt: number;
  /** Attempts at most, if the message carries the number. */
  readonly maxAttempts?: number;
  /** Of a running message. */
  readonly startedAt?: number;
  readonly worker?: string;
  /** Of a dead letter. */
  readonly deadAt?: number;
  /** The worker that recorded the death. It did not run the message if the last attempt ended earlier, or if there was none. */
  readonly deadBy?: string;
  /** How often the worker that ran it died or lost its lease. Left out if never. */
  readonly crashes?: number;
  readonly reason?: string;
  /** The reason with numbers and ids as `#`: see `DeadGroup.error`. */
  readonly group?: string;
  /** How often it was redriven. */
  readonly redriven?: number;
  /** Begin of its arguments: at most 200 characters, redacted. Left out if the body is not at hand. */
  readonly args?: string;
}

/** Of lists that the server only shows after a look, and of the look itself. */
export interface Look {
  /** When the look that is shown began; left out if there was none. */
  readonly at?: number;
  /** Whether a look is being made now. */
  readonly busy: boolean;
  /** What a look does to the messages: one sentence for people. */
  readonly cost: string;
}

/** A page of the messages of a queue. */
export interface MessagesPage {
  /** Before the messages were read. */
  readonly at: number;
  readonly items: readonly MessageRow[];
  /** Goes on here: pass it as `after`. Left out at the end. */
  readonly next?: string;
  /** Messages looked at for this page. */
  readonly looked: number;
  /** Of those, messages that match the filter. */
  readonly matched: number;
  /** Messages in this state, if known. They were counted at `totalAt`. */
  readonly total?: number;
  readonly totalAt?: number;
  /** Only of a broker without the ability `browse`. */
  readonly look?: Look;
}

/** A look at messages of a broker without the ability `browse`. */
export interface LookRequest {
  readonly state: 'ready' | 'delayed' | 'dead';
  /** Ready: at most 50. Dead: at most 20,000. @default 50 or 1,000 */
  readonly limit?: number;
}

/** A message that was found by its id. */
export interface FoundRow {
  readonly queue: string;
  readonly id: string;
  readonly state: MessageState;
  readonly task: string;
}

/** An error as a worker wrote it down. */
export interface ShownError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: ShownError;
}

/** A failed attempt. */
export interface AttemptRow {
  readonly attempt: number;
  /** When it ended. */
  readonly at: number;
  /** How long it ran, in milliseconds. Left out if an earlier version of the worker wrote it down. */
  readonly ranMs?: number;
  readonly worker: string;
  readonly error: ShownError;
}

/** A header of a message. */
export interface HeaderRow {
  readonly name: string;
  readonly value: string;
  readonly redacted: boolean;
}

/** Everything that is known of a message. */
export interface MessageDetail extends Omit<MessageRow, 'redriven' | 'args'> {
  readonly at: number;
  readonly expiresAt?: number;
  readonly timeoutMs?: number;
  readonly idempotencyKey?: string;
  /** Failed attempts, oldest first. */
  readonly attempts: readonly AttemptRow[];
  /** The life before its last redrive. */
  readonly redriven?: {
    readonly count: number;
    readonly at: number;
    readonly reason: string;
    readonly attempts: readonly AttemptRow[];
  };
  readonly headers: readonly HeaderRow[];
  readonly body: {
    /** As it was sent, but for redacted values; at most 64 KiB. Left out if it is no UTF-8, or hidden. */
    readonly text?: string;
    readonly bytes: number;
    /** `binary`: no UTF-8. */
    readonly form: 'json' | 'text' | 'binary';
    readonly truncated: boolean;
    /** How many values were replaced by `•••`. */
    readonly redacted: number;
    /** Set if the whole body is hidden: it is not JSON, so that values cannot be told apart. */
    readonly hidden?: true;
  };
  /** The command that sends it again. Left out if the arguments are redacted, truncated or no JSON. */
  readonly command?: string;
}

/** Dead letters of one queue, task and error. */
export interface DeadGroup {
  readonly queue: string;
  readonly task: string;
  /** The reason in which numbers and ids are `#`, except for 400 to 599. Pass it as `group` to list the letters. */
  readonly error: string;
  /** The reason of one of them, as it is. */
  readonly example: string;
  readonly count: number;
  readonly firstAt?: number;
  readonly lastAt?: number;
  /** How many of them had been redriven before. */
  readonly redriven: number;
  /** Numbers of those that died in each `DeadGroups.barMs`, oldest first; the last one ends at `DeadGroups.at`. */
  readonly deaths: readonly number[];
}

/** Dead letters by queue, task and error. */
export interface DeadGroups {
  readonly at: number;
  readonly items: readonly DeadGroup[];
  /** Milliseconds of a number in `deaths`: the shortest range from an hour to 30 days that has most of the deaths. */
  readonly barMs: number;
  readonly looked: number;
  /** Dead letters in these queues, if known. More than `looked`: the groups are of the newest ones. */
  readonly total?: number;
  readonly look?: Look;
  /** The oldest look that these groups are of. Only of a broker without the ability `browse`. */
  readonly asOf?: number;
  /** Queues whose letters need a look that was not made. */
  readonly unseen: readonly { readonly queue: string; readonly dead?: number }[];
}
