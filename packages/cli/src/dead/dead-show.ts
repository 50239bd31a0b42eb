import { withBroker } from '../app/open-broker.ts';
import { UsageError } from '../exit.ts';
import { printJson } from '../output.ts';
import { findLetters } from './find-letters.ts';
import { lettersNamed } from './letters-named.ts';

export interface DeadShowOptions {
  readonly app?: string;
  readonly broker?: string;
}

/** Prints dead letters in full, as JSON. @param names a queue and ids, or one id */
export async function deadShowCommand(names: readonly string[], { app, broker: url }: DeadShowOptions): Promise<void> {
  const command = 'brokkr dead show';
  await withBroker(url, command, async (opened) => {
    const shown: object[] = [];
    for (const { queue, ids } of await lettersNamed(opened, command, names, app)) {
      const letters = await findLetters(opened, queue, ids);
      const found = new Set(letters.map(({ id }) => id));
      const missing = ids.filter((id) => !found.has(id));
      if (missing.length > 0) throw new UsageError(`no dead letter ${missing.join(', ')} in queue ${queue}`);
      for (const letter of letters) {
        const { headers, body } = letter;
        const record = opened.core.readDeadLetter(letter);
        shown.push({ ...record, queue, headers: withoutHistory(headers), body: Buffer.from(body).toString() });
      }
    }
    printJson(shown, 2);
  });
}

/** The attempts are printed as `attempts`, readably: the headers that hold them would print each stack once more. */
function withoutHistory(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^brokkr-(last-)?history$/.test(name)));
}
