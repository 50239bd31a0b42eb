import { JsonText } from './json-text.ts';
import type { SeenMessage } from './message-row.ts';
import { redactJson } from './redact-json.ts';

const SHOWS_ALL = { hidesName: () => false };

/**
 * The command that sends a message again: `brokkr send TASK --queue QUEUE -- ARGUMENTS`. Each argument is its JSON text as
 * it was sent, quoted for a shell of POSIX.
 *
 * @returns `undefined` if the body is not a list of arguments
 */
export function sendCommand({ queue }: SeenMessage, task: string, body: string | undefined): string | undefined {
  const args = body === undefined ? undefined : argumentsIn(body);
  if (args === undefined || task === '') return undefined;
  const words = ['brokkr', 'send', quoted(task), '--queue', quoted(queue), ...(args.length > 0 ? ['--'] : [])];
  return [...words, ...args.map(quoted)].join(' ');
}

/** The texts of the values in a JSON list. */
function argumentsIn(body: string): readonly string[] | undefined {
  if (redactJson(body, SHOWS_ALL) === undefined) return undefined;
  const json = new JsonText(body);
  json.skipSpace();
  if (!json.takes('[')) return undefined;
  const args: string[] = [];
  json.skipSpace();
  while (!json.takes(']')) {
    const from = json.at;
    skipValue(json);
    args.push(body.slice(from, json.at));
    json.skipSpace();
    json.takes(',');
    json.skipSpace();
  }
  return args;
}

/** Steps over a value of text that is known to be JSON. */
function skipValue(json: JsonText): void {
  let depth = 0;
  do {
    if (json.takes('[') || json.takes('{')) depth++;
    else if (json.takes(']') || json.takes('}')) depth--;
    else if (!json.takes(',') && !json.takes(':')) json.scalar();
    if (depth > 0) json.skipSpace();
  } while (depth > 0);
}

function quoted(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
