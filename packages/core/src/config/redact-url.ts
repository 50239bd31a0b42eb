/** Query parameters of our adapters whose values are no secret; a password, or one of a stranger's, is never among them. */
const HARMLESS_PARAMETERS: ReadonlySet<string> = new Set([
  'allowEviction',
  'ca',
  'cert',
  'connectTimeout',
  'consumerTimeout',
  'db',
  'heartbeat',
  'queueType',
  'tls',
]);

/** Numbers, durations, words, paths of files: nothing that could hold a second parameter. */
const HARMLESS_VALUE = /^[\w.:/\\ ~-]*$/;

/**
 * A broker URL as it may be shown: no user, no password, for every host of a list, and no value of a parameter that is
 * not known to be harmless. What cannot be taken apart is not shown at all.
 */
export function redactUrl(url: string): string {
  const match = /^([a-z][a-z0-9+.-]*):(\/\/)?/i.exec(url);
  if (match === null) return '<redacted>';
  const [start] = match;
  // Passwords may hold any character, an @ or a ? too: only what follows the last @ is sure to be no secret.
  const secretEnd = url.lastIndexOf('@') + 1;
  const [, rest = '', query] = /^([^?#]*)(?:\?([^#]*))?/.exec(url.slice(secretEnd || start.length)) ?? [];
  const shownQuery = query === undefined ? '' : `?${query.split('&').map(redactParameter).join('&')}`;
  const shown = `${rest}${shownQuery}`;
  if (secretEnd > 0) return `${start}***@${shown}`;
  return `${start}${start.endsWith('//') ? redactCutOff(rest, shown) : shown}`;
}

const HOST = /^(?:\[[^\]]*\]|[^:[\]]*)(?::\d{1,5})?$/;

/** What follows a host's colon and is no port may be a password whose end was cut off, with its @: all after it, too. */
function redactCutOff(rest: string, shown: string): string {
  const hosts = (rest.split('/')[0] as string).split(',');
  const bad = hosts.findIndex((host) => !HOST.test(host));
  if (bad < 0) return shown;
  return [...hosts.slice(0, bad), (hosts[bad] as string).replace(/[:[].*$/, ':***')].join(',');
}

function redactParameter(parameter: string): string {
  const [name = '', ...parts] = parameter.split('=');
  const isKnown = HARMLESS_PARAMETERS.has(decoded(name) ?? '');
  if (parts.length === 0) return isKnown || name === '' ? name : '***';
  const value = parts.join('=');
  return isKnown && HARMLESS_VALUE.test(decoded(value) ?? '?') ? parameter : `${name}=***`;
}

/** As a URL's reader takes it; `undefined` where it cannot be read. */
function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
