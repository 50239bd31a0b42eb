import { expect, it } from 'vitest';
import { createLogger } from '../../src/logging/create-logger.ts';
import { printable } from '../../src/logging/printable.ts';

const HOSTILE =
  'a\n{"level":60}\u001b[2J\u0000\u007f\u0085\u009b\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069b';

it('printable shows every character that a terminal acts on or reorders text by', () => {
  expect(printable(HOSTILE)).toMatch(/^[ -~]+$/);
  expect(printable('Grüße 日本 👩‍👩‍👧')).toBe('Grüße 日本 👩‍👩‍👧');
});

it('a JSON log line escapes them, and parses to the same text', () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  logger.info({ [HOSTILE]: HOSTILE }, HOSTILE);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[ -~]+\n$/);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: HOSTILE, [HOSTILE]: HOSTILE });
});
