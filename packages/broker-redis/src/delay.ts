/** Milliseconds until an instant of this host's clock, for the server's clock to count down. */
export function delayMs(notBefore: number | undefined): number {
  return notBefore === undefined ? 0 : Math.max(0, Math.ceil(notBefore - Date.now()));
}
