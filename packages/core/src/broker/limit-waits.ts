/** How long after its time a waiter keeps its place in line without a new request, in milliseconds. */
export const RETURN_GRACE_MS = 5_000;

/** An unused limit is forgotten after this time, in milliseconds. */
export const LIMIT_LIFE_MS = 86_400_000;

/**
 * A message that finds its rate used up by others, although it was called for a start, keeps its slots if that start is due
 * within this time, in milliseconds. Otherwise others would take the slots until then, and the start until it has slots again.
 */
export const KEEP_SLOTS_MS = 1_000;

/** The same for the message that is called next. A slot may stay empty as long for a message that was named. */
export const KEEP_SLOTS_OF_NEXT_MS = RETURN_GRACE_MS;

/** A message that waits for a rate is forgotten so long after its time has passed, in milliseconds. */
export const PLANNED_LIFE_MS = 3_600_000;

/** After a call that another worker was faster with, the next one is later by so much, in milliseconds: one of them calls. */
export const STAND_BY_MS = 100;

/** So long after it refused a message for a slot, a worker asks whether it is the turn of another, in milliseconds. */
export const SLOT_LOOK_MS = RETURN_GRACE_MS + 1_000;

/** A call that is late by so much, in milliseconds, is not made by a worker that knew of it. */
export const OVERDUE_MS = 2_000;

/** Most keys that `waiting` returns. */
export const MOST_WAITING_KEYS = 10_000;

/** Most messages of a key that one call names. */
export const MOST_CALLED = 500;

/**
 * How long a message stays away that is called when its start is due, in milliseconds. It comes back by itself in case
 * no worker calls it.
 * @param waitMs until its start is due, by the answer of the store
 */
export function calledWaitMs(waitMs: number): number {
  return 1.5 * waitMs + 10_000;
}

/** How long a run is thought to take before one has ended, in milliseconds. */
export const FIRST_RUN_MS = 100;

/** Share of the last run in the average. */
export const LAST_RUN_SHARE = 0.2;

/**
 * Bounds of the wait for a slot, in milliseconds. Waiters that are promoted ask again only in case a promotion is lost:
 * one that asks too early was fetched and delayed in vain. Slots stay empty for longer than the runs take, for example
 * after a crash.
 */
export const LINE_WAITS = Object.freeze({
  promoted: Object.freeze({ factor: 10, shortest: 2_000, longest: 300_000 }),
  polling: Object.freeze({ factor: 1, shortest: 20, longest: 30_000 }),
});

/**
 * How long a message waits for a slot before it asks again, in milliseconds.
 * @param ahead how many slots must become free before it is its turn
 */
export function lineWaitMs(ahead: number, slots: number, averageRunMs: number, promotes: boolean): number {
  const { factor, shortest, longest } = promotes ? LINE_WAITS.promoted : LINE_WAITS.polling;
  return Math.ceil(Math.min(longest, Math.max(shortest, (factor * averageRunMs * ahead) / slots)));
}
