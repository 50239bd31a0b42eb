/**
 * Milliseconds from `nowMs` until an envelope may start, as a whole number: 0 if it has no `notBefore`, or if that has
 * passed.
 */
export function delayUntil(notBefore: number | undefined, nowMs: number): number {
  return notBefore === undefined ? 0 : Math.max(0, Math.ceil(notBefore - nowMs));
}
