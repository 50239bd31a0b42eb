/** Values that every adapter uses for options that were not given. Times are in milliseconds. */
export const BROKER_DEFAULTS = Object.freeze({
  namespace: 'brokkr',
  leaseMs: 30_000,
  prefetch: 1,
  sendTimeoutMs: 5_000,
  idempotencyTtlMs: 86_400_000,
});
