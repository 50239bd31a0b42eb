import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages, proseOf, readPage } from './support/markdown.ts';
import { commentsOf, type Prose, testNamesOf } from './support/prose-of-code.ts';
import { packageSources, root, testSources } from './support/sources.ts';

interface Speller {
  correct(word: string): boolean;
}
type NSpell = (dictionary: { aff: Buffer; dic: Buffer }) => Speller;

/** Words of the trade, and of this project, that the American dictionary does not have. */
const OWN = new Set(
  (
    'ack acks acknowledgement acknowledgements amqp api args ascii async auth backoff brokkr browsable cancelled cancelling changelog cli codec config cron ctx ' +
    'diagnosable docstring docstrings dropreply duration durations encodable enqueued env eta etag failpoint failpoints fanout findable func getter ' +
    'getters idempotency inspectable interleavings jitter json kib loopback lua matcher mib microtask middleware minified misfire otel ' +
    'debounce debounced iterable natively muxer namespace params pid pipelined prefetch prefetched prefetcher readonly redis redrive redriven redrives routable runnable rss ' +
    'schemas sha tls ttl tty undecodable unix unroutable unserializable unserved upcast url utf uuid vhost'
  ).split(' '),
);

/** Names of products and packages, as they are written in prose. */
const PRODUCTS = new Set(
  (
    'CommonJS ConfigError Ctrl Fastify Grafana Hono InversifyJS Kubernetes NServiceBus OpenMetrics OpenTelemetry Preact BullMQ RabbitMQ Vite amqplib arktype croner fastq ioredis jemalloc pino ' +
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
  /\bhand(s|ed)? over\b/,
  /\bhand-over\b/,
  /\b(is|are|was) away\b/,
  /\bunder way\b/,
  /\bat the most\b/,
  /\bstands? (in|among|for)\b(?! one election)/,
];

/** Pages release messages. In the code, a worker hands back messages that it does not run. */
const RETIRED_IN_PAGES = [...RETIRED, /\bhand(s|ed)? back\b/];

/** Further phrases that a comment or the name of a test must not use. */
const RETIRED_IN_CODE = [
  ...RETIRED,
  /\b(whatever becomes|what becomes|what became)\b/,
  /(?<!there )(?<!There )\bis no (?!longer\b|more\b)[a-z]+/,
  /\bgiven up\b/,
  /\b(where|wherever) (it|there|that|they|nothing|nobody|none|one) (is|are|was|were|has|have|had)\b(?! (stored|defined|installed))/,
  /\bhowever (deep|short|long)\b/,
  /\bof (its|their|our) own (making|accord)\b/,
  /\bof the house\b/,
  /\basks? for it again\b|\basked again\b/,
  /\bwent away\b/,
  /\btime is (over|up)\b/,
  /\bin one go\b/,
  /\bcosts? (two|three|its|a) workers?\b/,
  /\bbears? (it|errors)\b/,
  /\bheeds?\b/,
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

/** Names that users write: exported names, fields and methods, error codes, settings, words of the command line. */
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
    expect(RETIRED_IN_PAGES.flatMap((phrase) => phrase.exec(prose)?.[0] ?? [])).toEqual([]);
  });

  it('with a slip or a retired phrase is found', () => {
    expect(wordsOfProse("The neighbour's behaviour").filter((word) => !isKnown(word))).toEqual([
      'neighbour',
      'behaviour',
    ]);
    expect(RETIRED.some((phrase) => phrase.test('the sender is told of it'))).toBe(true);
  });
});

function retiredIn(path: string, prose: readonly Prose[]): string[] {
  return prose.flatMap(({ line, text }) =>
    RETIRED_IN_CODE.flatMap((phrase) => phrase.exec(text)?.[0] ?? []).map((found) => `${path}:${line}: ${found}`),
  );
}

describe('the prose of the code', () => {
  it('uses no phrase in comments and docstrings that the glossary replaces', () => {
    const sources = [...packageSources(), ...testSources()];
    expect(sources.length).toBeGreaterThan(300);
    expect(sources.flatMap(({ path, text }) => retiredIn(path, commentsOf(path, text)))).toEqual([]);
  });

  it('uses no phrase in the names of tests and conformance cases that the glossary replaces', () => {
    const suite = packageSources().filter(({ path }) => path.startsWith('packages/core/src/testing/suite/'));
    const named = [...suite, ...testSources()].map(({ path, text }) => ({ path, names: testNamesOf(path, text) }));
    expect(named.flatMap(({ names }) => names).length).toBeGreaterThan(500);
    expect(named.flatMap(({ path, names }) => retiredIn(path, names))).toEqual([]);
  });

  it('with a retired phrase is found in a comment, a docstring and the name of a test', () => {
    const text = `
// A message that is put off
// is not told.
/** Whoever reads \`somebody\` stands in line. */
it.each([1])(\`is \${1} none, where it is none\`, () => undefined);
`;
    expect(retiredIn('a.ts', commentsOf('a.ts', text))).toEqual(['a.ts:2: put off', 'a.ts:4: stands in']);
    expect(retiredIn('a.ts', testNamesOf('a.ts', text))).toEqual(['a.ts:5: is none', 'a.ts:5: where it is']);
  });
});
