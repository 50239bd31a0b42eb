import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages, proseOf, readPage } from './support/markdown.ts';
import { packageSources, root } from './support/sources.ts';

interface Speller {
  correct(word: string): boolean;
}
type NSpell = (dictionary: { aff: Buffer; dic: Buffer }) => Speller;

/** Words of the trade, and of this project, that the American dictionary does not have. */
const OWN = new Set(
  (
    'ack acks acknowledgement acknowledgements amqp args ascii async backoff brokkr browsable cancelled cancelling changelog cli codec config cron ctx ' +
    'diagnosable docstring dropreply duration durations encodable enqueued env eta failpoint failpoints findable func getter ' +
    'getters idempotency inspectable interleavings jitter json kib loopback lua matcher mib microtask middleware minified misfire ' +
    'muxer namespace params pid pipelined prefetch prefetched prefetcher readonly redis redrive redriven runnable rss ' +
    'schemas sha tls ttl undecodable unix unroutable unserializable unserved url utf uuid vhost'
  ).split(' '),
);

/** Names of products and packages, as they are written in prose. */
const PRODUCTS = new Set(
  (
    'CommonJS ConfigError Ctrl Grafana InversifyJS Kubernetes NServiceBus OpenMetrics BullMQ RabbitMQ Vite amqplib arktype croner fastq ioredis jemalloc pino ' +
    'rabbitmq rolldown valibot vitest zod'
  ).split(' '),
);

/** Phrases of an earlier style; docs/glossary.md and CONTRIBUTING.md say how we write. */
const RETIRED = [
  /\btells?\b(?! the difference)/,
  /\b(is|are|was) told\b/,
  /\bis none\b/,
  /\b(put|puts) off\b/,
  /\b(anew|afresh|meanwhile|whoever|somebody|nobody|anybody)\b/,
  /\bfor ever\b/,
  /\bhand(s|ed)? (over|back)\b/,
  /\bhand-over\b/,
  /\b(is|are|was) away\b/,
  /\bunder way\b/,
  /\bat the most\b/,
  /\bstands? (in|among|for)\b(?! one election)/,
];

// nspell is CommonJS, and older than types in packages.
const nspell = createRequire(import.meta.url)('nspell') as NSpell;
const file = (extension: string) => readFileSync(join(root, 'node_modules', 'dictionary-en', `index.${extension}`));
const american = nspell({ aff: file('aff'), dic: file('dic') });

/** `maxRetryDelayMs` → max retry delay ms; `BROKER_URL_INVALID` → broker url invalid. */
function wordsOfName(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word.length > 2);
}

/** Words of a text, without plural possessives and without abbreviations in capitals. */
function wordsOfProse(text: string): string[] {
  return (text.match(/\p{L}[\p{L}']*/gu) ?? [])
    .map((word) => word.replace(/'s?$/, ''))
    .filter((word) => word.length > 2 && !/^[A-Z]+$/.test(word) && !PRODUCTS.has(word));
}

function isKnown(word: string): boolean {
  const small = word.toLowerCase();
  const capital = small[0]?.toUpperCase() + small.slice(1);
  return OWN.has(small) || [word, small, capital].some((form) => american.correct(form));
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
  add(readPage('docs/configuration.md'), /`([A-Z_]{4,})`/g);
  return names;
}

describe('public names', () => {
  it('are spelled as in American English: a slip stays for all users', () => {
    const names = publicNames();
    expect(names.size).toBeGreaterThan(400);
    const wrong = [...names].flatMap((name) =>
      wordsOfName(name)
        .filter((word) => !isKnown(word))
        .map((word) => `${word} in ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('with a slip are found', () => {
    expect(wordsOfName('maxUniquinessMs').filter((word) => !isKnown(word))).toEqual(['uniquiness']);
    expect(wordsOfName('serialisationError').filter((word) => !isKnown(word))).toEqual(['serialisation']);
  });
});

describe('the prose of the documentation', () => {
  it.each(pages())('%s is spelled as in American English', (page) => {
    expect(wordsOfProse(proseOf(readPage(page))).filter((word) => !isKnown(word))).toEqual([]);
  });

  it.each(pages())('%s uses no phrase that the glossary replaces', (page) => {
    const prose = proseOf(readPage(page)).replaceAll(/\s+/g, ' ');
    expect(RETIRED.flatMap((phrase) => phrase.exec(prose)?.[0] ?? [])).toEqual([]);
  });

  it('with a slip or a retired phrase is found', () => {
    expect(wordsOfProse("The neighbour's behaviour").filter((word) => !isKnown(word))).toEqual([
      'neighbour',
      'behaviour',
    ]);
    expect(RETIRED.some((phrase) => phrase.test('the sender is told of it'))).toBe(true);
  });
});
