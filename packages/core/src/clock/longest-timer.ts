/** Longest wait of a Node timer, milliseconds: 24.8 days. Node fires a longer timer after 1 ms. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
