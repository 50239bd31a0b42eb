/** Prefix of the headers that the core writes. Every other name belongs to the sender. */
export const HEADER_PREFIX = 'brokkr-';

/** Format of the envelope; absent means `1`. */
export const VERSION_HEADER = 'brokkr-v';
/** Task name. */
export const TASK_HEADER = 'brokkr-task';
/** When it was sent, in epoch milliseconds by the sender's clock. */
export const ENQUEUED_AT_HEADER = 'brokkr-at';
/** Number of the attempt of this envelope; absent means 1. */
export const ATTEMPT_HEADER = 'brokkr-attempt';
/** Version of the arguments, see the task option `version`; absent means 1. */
export const PAYLOAD_VERSION_HEADER = 'brokkr-pv';
/** Most retries, if the sender overrides those of the task. */
export const MAX_RETRIES_HEADER = 'brokkr-max-retries';
/** Time limit of one attempt in milliseconds, if the sender overrides that of the task. */
export const TIMEOUT_HEADER = 'brokkr-timeout';
/** JSON list of the failed attempts; see `AttemptRecord`. */
export const HISTORY_HEADER = 'brokkr-history';
/** Reason of a dead letter, for people. */
export const REASON_HEADER = 'brokkr-reason';
/** When a dead letter died, epoch milliseconds by the worker's clock. */
export const DEAD_AT_HEADER = 'brokkr-dead-at';
/** Id of the worker in which a dead letter died. */
export const DEAD_BY_HEADER = 'brokkr-dead-by';
/** How many crashes a message was in when it died; absent if it was in none. */
export const DEAD_CRASHES_HEADER = 'brokkr-dead-crashes';
/** How often a message was redriven, and when last: a number, a space, epoch milliseconds. */
export const REDRIVEN_HEADER = 'brokkr-redriven';
/** Why it died before its last redrive. */
export const LAST_REASON_HEADER = 'brokkr-last-reason';
/** Its failed attempts before its last redrive, as in `HISTORY_HEADER`, without stacks. */
export const LAST_HISTORY_HEADER = 'brokkr-last-history';
/** State to forget when the message ends: its value, a space, its key. The scheduler's, for `overlap: 'skip'`. */
export const FORGET_HEADER = 'brokkr-forget';
/** How often this attempt was delayed by `RetryLater`, a space, and when first, in epoch milliseconds. */
export const LATER_HEADER = 'brokkr-later';
/** How a store joins the message with others of the same key (see `JoinMark`). */
export const JOIN_HEADER = 'brokkr-join';
/** The key of a debounced message: how long it is remembered, its longest wait, its digest, and whether it has run. */
export const DEBOUNCE_HEADER = 'brokkr-debounce';
/** `1`: steps of the message may be stored (`step()`). */
export const STEPS_HEADER = 'brokkr-steps';
/** Milliseconds for which the message was delayed because no worker knew its task, or the version of its arguments. */
export const UNKNOWN_HEADER = 'brokkr-unknown';
/** JSON list of the limits that the message needs a permit of: pairs of name and key. */
export const LIMIT_HEADER = 'brokkr-limit';
/** Name of the limit for which the message was delayed last. */
export const LIMITED_BY_HEADER = 'brokkr-limited';
