/** Query parameters whose values are never shown. */
const SECRET_PARAMETER = /pass|secret|token|key|auth/i;

/**
 * A broker URL as it may be shown: no user, no password, for every host of a list, and no secret parameters.
 * What cannot be taken apart is not shown at all.
 */
export function redactUrl(url: string): string {
  const match = /^([a-z][a-z0-9+.-]*):(\/\/)?/i.exec(url);
  if (match === null) return '<redacted>';
  const [start] = match;
  // Passwords may hold any character, an @ or a ? too: only what follows the last @ is sure to be no secret.
  const secretEnd = url.lastIndexOf('@') + 1;
  const [, rest = '', query = ''] = /^([^?#]*)(\?[^#]*)?/.exec(url.slice(secretEnd || start.length)) ?? [];
  return `${start}${secretEnd > 0 ? '***@' : ''}${rest}${redactQuery(query)}`;
}

function redactQuery(query: string): string {
  return query.replace(/([?&])([^=&]*)=([^&]*)/g, (whole, before: string, name: string) =>
    SECRET_PARAMETER.test(name) ? `${before}${name}=***` : whole,
  );
}
