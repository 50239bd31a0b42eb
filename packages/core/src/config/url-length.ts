import { ConfigError } from '../errors/errors.ts';

/** Room for a cluster of two hundred named hosts. A longer text is not a URL, and is not parsed. */
export const MAX_URL_LENGTH = 16_384;

/**
 * Checks the length of a URL.
 * @param name name of the setting, for the error, which does not contain the URL
 * @throws ConfigError (`BROKER_URL_INVALID`) if it has more than `MAX_URL_LENGTH` characters
 */
export function checkUrlLength(url: string, name = 'broker URL'): void {
  if (url.length <= MAX_URL_LENGTH) return;
  throw new ConfigError(`${name} must have at most ${MAX_URL_LENGTH} characters; got ${url.length}`, {
    code: 'BROKER_URL_INVALID',
  });
}
