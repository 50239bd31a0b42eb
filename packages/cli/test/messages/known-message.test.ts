import type { TaskStatus } from '@brokkr/core';
import { readDeadLetter } from '@brokkr/core';
import * as adapter from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import { type KnownMessage, linesOf, recordOf } from '../../src/messages/known-message.ts';

const FAILED = JSON.stringify([{ attempt: 1, at: 0, worker: 'w1', error: { name: 'TypeError', message: 'no' } }]);

/** A dead letter of the task `poison`. @param history of its failed attempts */
function letter(attempt: number, crashes: number, history = '[]'): KnownMessage {
  const headers = { [adapter.TASK_HEADER]: 'poison', [adapter.HISTORY_HEADER]: history };
  const message = { id: 'm1', queue: 'poison', body: new Uint8Array(), headers };
  const envelope = adapter.deadLetterEnvelope(message, 'no', { at: 0, by: 'w1', crashes });
  return {
    id: 'm1',
    status: { state: 'dead', attempt } as TaskStatus,
    message: { found: { state: 'dead', envelope }, queues: ['poison'] },
    letter: readDeadLetter(envelope),
    taskHeader: adapter.TASK_HEADER,
  };
}

it('the status of a message that crashed its workers says how often', () => {
  const crashed = letter(1, 3);
  expect(linesOf(crashed)).toEqual(['dead  poison in poison  crashed 3 times', 'brokkr dead show poison m1']);
  expect(recordOf(crashed)).toMatchObject({ state: 'dead', attempt: 1, crashes: 3 });
});

it('the status of a message that failed, and then crashed its workers, has its attempt, too', () => {
  expect(linesOf(letter(2, 1, FAILED))[0]).toBe('dead  poison in poison  attempt 2  crashed once');
});

it('the status of a message that only failed mentions no crash', () => {
  const failed = letter(1, 0, FAILED);
  expect(linesOf(failed)[0]).toBe('dead  poison in poison  attempt 1');
  expect(recordOf(failed)).not.toHaveProperty('crashes');
});
