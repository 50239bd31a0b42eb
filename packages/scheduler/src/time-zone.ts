import { realpathSync } from 'node:fs';
import { env } from 'node:process';
import { shown } from '@brokkr/core/adapter';
import { wrong } from './job-error.ts';

/** Zones by their names as given: a lookup takes longer than everything else about a job. */
const zones = new Map<unknown, string>();

/**
 * Returns the zone of a job's calendar.
 * @param given name of the zone; `undefined` for the host's
 * @throws ConfigError (`JOB_INVALID`) if there is no such zone, or the host's has no name
 */
export function calendarZone(id: string, given: unknown): string {
  if (given === undefined) return hostZone() ?? throwUnnamed(id);
  const known = zones.get(given);
  if (known !== undefined) return known;
  const zone = typeof given === 'string' ? canonical(given) : undefined;
  if (zone === undefined) {
    throw wrong(id, 'timezone', `must be the name of a time zone, such as 'Europe/Vienna'; got ${shown(given)}`);
  }
  zones.set(given, zone);
  return zone;
}

/** Returns the zone that is shown for a job without a calendar: it needs none, so a host without one is not an error. */
export function shownZone(id: string, given: unknown): string {
  return given === undefined ? (hostZone() ?? 'UTC') : calendarZone(id, given);
}

function throwUnnamed(id: string): never {
  throw wrong(
    id,
    'timezone',
    `is the host's by default, and TZ=${shown(env.TZ)} is not the name of a time zone; set TZ to a name such as 'Europe/Vienna', or give the job a timezone`,
  );
}

/** Returns the zone of the host; `undefined` if its TZ is not the name of a zone. */
function hostZone(): string | undefined {
  const { TZ } = env;
  const key = `TZ=${TZ}`;
  const known = zones.get(key);
  if (known !== undefined) return known;
  const zone = readHostZone(TZ);
  if (zone !== undefined) zones.set(key, zone);
  return zone;
}

function readHostZone(TZ: string | undefined): string | undefined {
  // POSIX: an empty TZ is UTC. Node reports the zone `Etc/Unknown` then, which `Intl` does not accept.
  if (TZ?.trim() === '') return 'UTC';
  const zone = canonical(new Intl.DateTimeFormat().resolvedOptions().timeZone) ?? zoneOfFile(TZ);
  // Without TZ, a host that has no zone, as a minimal container, runs in UTC.
  return zone ?? (TZ === undefined ? 'UTC' : undefined);
}

/** `TZ=:/etc/localtime` names a file of the zone database, usually by a link. Node does not read it. */
function zoneOfFile(TZ: string | undefined): string | undefined {
  const path = TZ?.replace(/^:/, '');
  if (path === undefined || !path.startsWith('/')) return undefined;
  try {
    return canonical(realpathSync(path).replace(/^.*\/zoneinfo\/(posix\/|right\/)?/, ''));
  } catch {
    return undefined;
  }
}

function canonical(timeZone: string | undefined): string | undefined {
  if (timeZone === undefined) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
