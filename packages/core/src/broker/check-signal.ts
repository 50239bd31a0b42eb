import { ConfigError } from '../errors/errors.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import type { Signal } from './signals.ts';

const TOPIC = /^[A-Za-z0-9._-]{1,60}$/;
/** Longest body of a signal, in bytes of UTF-8: small enough for one packet of any broker. */
export const SIGNAL_BYTES = 4_096;

/**
 * Checks a signal before it is sent.
 * @throws ConfigError (`SIGNAL_INVALID`) if the topic is not a name, or the body is not a text of at most 4 KiB
 */
export function checkSignal({ topic, body }: Signal): void {
  if (typeof topic !== 'string' || !TOPIC.test(topic)) {
    throw invalid(`topic must be 1 to 60 characters of A-Z a-z 0-9 . _ -; got ${shown(topic)}`);
  }
  if (typeof body !== 'string') throw invalid(`body must be a text; got ${kindOf(body)}`);
  const bytes = Buffer.byteLength(body);
  if (bytes > SIGNAL_BYTES) throw invalid(`body must be at most ${SIGNAL_BYTES} bytes; got ${bytes}`);
}

function invalid(problem: string): ConfigError {
  return new ConfigError(`signal: ${problem}`, { code: 'SIGNAL_INVALID' });
}
