import { signal } from '@preact/signals';

/** How far the server's clock is ahead of this one, in milliseconds. */
let ahead = 0;

/** The server's time. It moves once a second while the page is visible. */
export const now = signal(Date.now());

/** Takes the time at which the server answered. Differences below a second are the way of the answer. */
export function setServerTime(at: number): void {
  const difference = at - Date.now();
  if (Math.abs(difference - ahead) > 1_000) ahead = difference;
  tick();
}

/** Takes the time of figures, which may be seconds old: the server's clock is not behind it. */
export function notBefore(at: number): void {
  ahead = Math.max(ahead, at - Date.now());
  tick();
}

function tick(): void {
  now.value = Date.now() + ahead;
}

setInterval(() => {
  if (!document.hidden) tick();
}, 1_000);
document.addEventListener('visibilitychange', tick);
