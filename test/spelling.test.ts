import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { packageSources, root } from './support/sources.ts';

interface Speller {
  correct(word: string): boolean;
  suggest(word: string): string[];
}
type NSpell = (dictionary: { aff: Buffer; dic: Buffer }) => Speller;

/** Words of ours and of the trade that no dictionary holds. */
const OWN =
  'ack amqp args backoff brokkr config cron ctx diagnosable enqueued env eta failpoint func idempotency inspectable jitter json lua matcher microtask middleware muxer misfire namespace params pid prefetch prefetcher redis redrive redriven runnable schemas sha tls ttl undecodable unix unroutable unserializable unserved url utf uuid vhost'.split(
    ' ',
  );

// nspell is CommonJS, and older than types in packages.
const nspell = createRequire(import.meta.url)('nspell') as NSpell;
const dictionary = (name: string) => {
  const file = (extension: string) => readFileSync(join(root, 'node_modules', name, `index.${extension}`));
  return nspell({ aff: file('aff'), dic: file('dic') });
};
const spellers = [dictionary('dictionary-en'), dictionary('dictionary-en-gb')];

/** `maxRetryDelayMs` → max retry delay ms; `BROKER_URL_INVALID` → broker url invalid. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word.length > 2);
}

function isKnown(word: string): boolean {
  const capital = word[0]?.toUpperCase() + word.slice(1);
  return OWN.includes(word) || spellers.some((speller) => speller.correct(word) || speller.correct(capital));
}

/** What users write: exported names, fields and methods, error codes, settings, words of the command line. */
function publicNames(): Set<string> {
  const names = new Set<string>();
  const add = (text: string, pattern: RegExp) => {
    for (const [, name] of text.matchAll(pattern)) if (name !== undefined) names.add(name);
  };
  for (const { path, text } of packageSources()) {
    add(text, /^export (?:abstract )?(?:async )?(?:class|function\*?|const|interface|type) (\w+)/gm);
    add(text, /^ {2}readonly (\w+)\??[:=]/gm);
    add(text, /^ {2}(?:async |get )?([a-z]\w+)\(/gm);
    add(text, /code: '([A-Z_]+)'/g);
    if (path.startsWith('packages/cli/')) add(text, /\.(?:command|option)\('(?:-\w, )?(?:--)?([\w-]+)/g);
  }
  add(readFileSync(join(root, 'docs/configuration.md'), 'utf8'), /`([A-Z_]{4,})`/g);
  return names;
}

it('every public name is spelled right: a slip here is for ever', () => {
  const names = publicNames();
  expect(names.size).toBeGreaterThan(400);
  const wrong = [...names].flatMap((name) =>
    wordsOf(name)
      .filter((word) => !isKnown(word))
      .map((word) => `${word} in ${name}`),
  );
  expect(wrong).toEqual([]);
});

it('finds a slip', () => {
  expect(wordsOf('maxUniquinessMs').filter((word) => !isKnown(word))).toEqual(['uniquiness']);
});
