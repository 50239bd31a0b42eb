/**
 * Returns the fence of the next delivery: higher than the last one, which the message carries. The server forgets a
 * message that has ended, so fences follow the clock in microseconds: if an id is stored again, its fences keep
 * growing, as far as the clocks of the workers agree.
 */
export function nextFence(last: number): number {
  return Math.max(last + 1, Math.floor((performance.timeOrigin + performance.now()) * 1_000));
}
