import { MAX_URL_LENGTH } from './url-length.ts';

/**
 * Query parameters of our adapters whose values are not secret. Any other parameter may be secret, also an unknown one.
 */
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

/** Numbers, durations, words and file paths: values that cannot contain a second parameter. */
const HARMLESS_VALUE = /^[\w.:/\\ ~-]*$/;

const REDACTED = '<redacted>';

/**
 * Returns a broker URL for logs and errors: without user and password, for every host of a list, and without the values
 * of parameters that may be secret. A URL that cannot be parsed, or has more than 16 KiB, is `<redacted>`. It reads
 * each character a fixed number of times.
 * @example
 * logger.info(`connecting to ${redactUrl(url)}`);
 */
export function redactUrl(url: string): string {
  const match = url.length > MAX_URL_LENGTH ? null : /^([a-z][a-z0-9+.-]*):(\/\/)?/i.exec(url);
  if (match === null) return REDACTED;
  const [start] = match;
  // A password may contain any character, also @ and ?. Only the part after the last @ certainly contains no secret.
  const secretEnd = url.lastIndexOf('@') + 1;
  const [, rest = '', query] = /^([^?#]*)(?:\?([^#]*))?/.exec(url.slice(secretEnd || start.length)) ?? [];
  const shownQuery = query === undefined ? '' : `?${query.split('&').map(redactParameter).join('&')}`;
  const shown = `${rest}${shownQuery}`;
  if (secretEnd > 0) return `${start}***@${shown}`;
  return `${start}${start.endsWith('//') ? redactCutOff(rest, shown) : shown}`;
}

const HOST = /^(?:\[[^\]]*\]|[^:[\]]*)(?::\d{1,5})?$/;

/**
 * If the text after the colon of a host is not a port, it may be a password whose end and @ are missing. The text after
 * it may belong to the password, too.
 */
function redactCutOff(rest: string, shown: string): string {
  const hosts = (rest.split('/', 1)[0] as string).split(',');
  const bad = hosts.findIndex((host) => !HOST.test(host));
  if (bad < 0) return shown;
  const cut = hosts[bad] as string;
  const secretStart = cut.search(/[:[\]]/);
  return [...hosts.slice(0, bad), `${cut.slice(0, secretStart)}:***`].join(',');
}

function redactParameter(parameter: string): string {
  const equals = parameter.indexOf('=');
  const name = equals < 0 ? parameter : parameter.slice(0, equals);
  const isKnown = HARMLESS_PARAMETERS.has(decoded(name) ?? '');
  if (equals < 0) return isKnown || name === '' ? name : '***';
  const isShown = isKnown && HARMLESS_VALUE.test(decoded(parameter.slice(equals + 1)) ?? '?');
  return isShown ? parameter : `${name}=***`;
}

/** Decodes a part as URL parsers do; `undefined` if it is invalid. */
function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
