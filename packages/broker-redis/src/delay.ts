/** Milliseconds until an instant of this host's clock. The server's clock counts them down. */
export function delayMs(notBefore: number | undefined): number {
  return notBefore === undefined ? 0 : Math.max(0, Math.ceil(notBefore - Date.now()));
}
