import { BrokerUnavailableError, ConfigError } from '@brokkr/core';
import { expect, it } from 'vitest';
import { describe as described } from '../src/explain.ts';

it('the reply of a server is shown once: an error that says it in other words stands alone', () => {
  const reply = new Error('SPOILED hash string brokkr:{q}:messages');
  const text = 'the Redis key brokkr:{q}:messages holds a string, written by another client';
  expect(described(new BrokerUnavailableError(text, { code: 'KEY_SPOILED', cause: reply }))).toBe(text);
  const closed = new Error('Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "…"');
  const mismatch = 'queue brokkr.q exists with other arguments';
  expect(described(new ConfigError(mismatch, { code: 'QUEUE_MISMATCH', cause: closed }))).toBe(mismatch);
});

it('any other cause is shown behind its error', () => {
  const cause = new Error('no such file');
  expect(described(new Error('the application failed to load; see the cause', { cause }))).toBe(
    'the application failed to load: no such file',
  );
});
