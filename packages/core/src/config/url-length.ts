import { ConfigError } from '../errors/errors.ts';

/** Room for a cluster of two hundred named hosts. What is longer is not a URL, and is not read any further. */
export const MAX_URL_LENGTH = 16_384;

/**
 * @param name of the setting, for the error, which does not show the URL
 * @throws ConfigError (`BROKER_URL_INVALID`) for a URL over `MAX_URL_LENGTH` characters
 */
export function checkUrlLength(url: string, name = 'broker URL'): void {
  if (url.length <= MAX_URL_LENGTH) return;
  throw new ConfigError(`${name}: has ${url.length} characters; at most ${MAX_URL_LENGTH} are read`, {
    code: 'BROKER_URL_INVALID',
  });
}
