import { readDeadLetter } from '@brokkr/core';
import { type Envelope, errorGroup, letterFilter } from '@brokkr/core/adapter';
import type { LetterQuery } from '../api/types.ts';
import { reasonOf, taskOf, type View } from '../payload/message-row.ts';
import { textOf } from '../payload/redactor.ts';

/**
 * Makes the function that messages are chosen by. Text is searched in the arguments as the user may see them: a search
 * must not reveal what is redacted.
 *
 * @returns `undefined` if the query has no condition
 */
export function queryFilter(
  { task, error, group, text, since, until }: LetterQuery,
  queue: string,
  view: View,
): ((message: Envelope) => boolean) | undefined {
  if ([task, error, group, text, since, until].every((condition) => condition === undefined)) return undefined;
  const matches = letterFilter({ task, error, diedAfter: since });
  const wanted = text?.toLowerCase();
  return (message) =>
    matches(message) &&
    (until === undefined || (diedAt(message) ?? until) <= until) &&
    (group === undefined || errorGroup(reasonOf(message)) === group) &&
    (wanted === undefined || message.id === text || seenText(message, queue, view).includes(wanted));
}

/** @returns `undefined` if its headers do not say it: another program wrote the letter */
function diedAt(message: Envelope): number | undefined {
  const { deadAt, attempts } = readDeadLetter(message);
  return deadAt ?? attempts.at(-1)?.at;
}

function seenText(message: Envelope, queue: string, { redactor, payloads }: View): string {
  const text = textOf(message.body);
  if (text === undefined) return '';
  return (redactor.seen(text, { task: taskOf(message), queue }, payloads).text ?? '').toLowerCase();
}
