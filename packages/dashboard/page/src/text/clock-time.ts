const two = (value: number) => String(value).padStart(2, '0');

/** `UTC+1`, `UTC+5:30`, `UTC`. */
function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  return `UTC${minutes < 0 ? '−' : '+'}${hours}${rest === 0 ? '' : `:${two(rest)}`}`;
}

/** Local time of day: `14:03`, or `14:03:07` with seconds. */
export function timeOfDay(at: number, seconds = true): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}${seconds ? `:${two(date.getSeconds())}` : ''}`;
}

/** `14:03:07 UTC+1`. */
export function zonedTime(at: number): string {
  return `${timeOfDay(at)} ${offset(new Date(at))}`;
}

/** `2026-11-28 14:03:07 UTC+1 · 2026-11-28 13:03:07 UTC`; the second half is left out if both are the same. */
export function localAndUtc(at: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return 'no valid time';
  const utc = `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return offset(date) === 'UTC' ? utc : `${day} ${zonedTime(at)} · ${utc}`;
}

/** Time of day in another zone, with the day: `Sat 28 Nov, 06:00`. */
export function timeInZone(at: number, zone: string): string {
  const parts: Intl.DateTimeFormatOptions = {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  };
  try {
    return new Intl.DateTimeFormat('en-GB', { ...parts, timeZone: zone }).format(at);
  } catch {
    return new Intl.DateTimeFormat('en-GB', { ...parts, timeZone: 'UTC' }).format(at);
  }
}
