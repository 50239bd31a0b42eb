/** A module for `LoopGuard` that counts its calls in shared memory. */
export function open({ calls }) {
  Atomics.add(calls, 0, 1);
  return {
    renew: () => Atomics.add(calls, 1, 1),
    close: () => Atomics.add(calls, 2, 1),
  };
}
