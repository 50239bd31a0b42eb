/*
 * Compiled, never run: what the types of tasks accept and refuse. `npm run typecheck` fails if a line marked
 * @ts-expect-error is accepted.
 */
import { type Batch, type Json, type TaskHandle, TaskManager } from '@brokkr/core';
import { tasksOf } from '@brokkr/core/inversify';
import { z } from 'zod';

const tm = TaskManager.getInstance();

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function assertTrue<_ extends true>(): void {}

const email = tm.conditionalTask({ queueName: 'emails' }, async (to: string, subject = 'none', ...cc: string[]) => ({
  to,
  subject,
  cc,
  at: new Date(),
  tags: new Map<string, number>(),
  size: 1n as bigint | undefined,
}));

async function* addresses(): AsyncGenerator<[string]> {
  yield ['a'];
}

async function* sizes(): AsyncGenerator<[number]> {
  yield [1];
}

export async function sending(): Promise<void> {
  await email.send('a');
  await email.send('a', 'b', 'c', 'd');
  await email.with({ delay: Math.random() > 2 ? '1s' : undefined }).send('a');
  await email.sendMany([['a'], ['a', 'b'], ['a', undefined, 'c']]);
  await email.sendMany(new Set<[string]>([['a']]));
  await email.sendMany(addresses());
  const detached = email.send;
  await detached('a');
  // @ts-expect-error too few arguments
  await email.send();
  // @ts-expect-error a number is not an address
  await email.send(1);
  // @ts-expect-error a detached send is as strict
  await detached(1);
  // @ts-expect-error one of the batch is wrong
  await email.sendMany([['a'], [1]]);
  // @ts-expect-error one of an async iterable is wrong
  await email.sendMany(sizes());
  // @ts-expect-error no such option
  email.with({ delays: '1s' });
}

export async function results(): Promise<void> {
  const handle = await email.send('a');
  const result = await handle.result();
  assertTrue<Equal<typeof result.at, string>>();
  assertTrue<Equal<typeof result.tags, Record<string, never>>>();
  assertTrue<Equal<typeof result.cc, string[]>>();
  // A handle by its id is typed like the one that was sent.
  const found = await email.handle(handle.id, { queue: 'emails' }).result();
  assertTrue<Equal<typeof found, typeof result>>();
  const { state, attempt } = await email.handle(handle.id).status();
  assertTrue<Equal<typeof attempt, number | undefined>>();
  // @ts-expect-error no such state
  if (state === 'waiting') return;
  const here = await email('a');
  assertTrue<Equal<typeof here.at, Date>>();
  const nothing = await tm.task(async function ping() {}).send();
  assertTrue<Equal<typeof nothing, TaskHandle<undefined>>>();
  assertTrue<Equal<Json<{ a: undefined | string; f: () => void }>, { a: undefined | string }>>();
}

export async function schemas(): Promise<void> {
  const single = tm.conditionalTask(
    { name: 'single', schema: z.object({ n: z.string().transform(Number) }) },
    async (payload) => {
      assertTrue<Equal<typeof payload, { n: number }>>();
    },
  );
  await single.send({ n: '1' });
  // @ts-expect-error the input is sent, not the output
  await single.send({ n: 1 });
  const several = tm.conditionalTask({ name: 'several', schema: [z.string(), z.number().optional()] }, async (a, b) => {
    assertTrue<Equal<typeof a, string>>();
    assertTrue<Equal<typeof b, number | undefined>>();
  });
  await several.send('a');
  await several.send('a', 1);
  // @ts-expect-error the first one is required
  await several.send();
}

export function definitions(): void {
  // @ts-expect-error a task cannot be a generator function
  tm.task(async function* generator() {
    yield 1;
  });
  // @ts-expect-error no such option
  tm.task({ queue: 'x' }, async function misspelled() {});
}

class Greetings {
  readonly count = 0;
  async greet(name: string, _times?: number): Promise<Date> {
    return new Date(name);
  }
}

export async function classes(): Promise<void> {
  const { greet } = tasksOf(Greetings);
  const result = await (await greet.send('a', 1)).result();
  assertTrue<Equal<typeof result, string>>();
  // @ts-expect-error a string is required
  await greet.send(1);
  // @ts-expect-error a property is not a task
  void tasksOf(Greetings).count;
}

interface Doc {
  id: string;
}

const index = tm.batchTask(
  { name: 'index', batch: { size: 100, by: (doc: Doc) => doc.id } },
  async (docs: Doc[], batch) => {
    batch.fail(0, new Error(docs[0]?.id));
  },
);
const sized = tm.batchTask({ name: 'sized', batch: { size: 10 } }, async (words: string[], batch: Batch<number>) => {
  for (const [at, word] of words.entries()) batch.result(at, word.length);
  // @ts-expect-error results are numbers
  batch.result(0, 'five');
});
const parsed = tm.batchTask(
  { name: 'parsed', batch: { size: 10 }, schema: z.object({ at: z.coerce.date() }) },
  async (items) => {
    assertTrue<Equal<(typeof items)[number], { at: Date }>>();
  },
);

export async function batches(): Promise<void> {
  await index.send({ id: 'a' });
  await index.sendMany([[{ id: 'a' }], [{ id: 'b' }]]);
  // @ts-expect-error one item for each message
  await index.send({ id: 'a' }, { id: 'b' });
  // @ts-expect-error an item, not a list
  await index.send([{ id: 'a' }]);
  const handle = await sized.send('word');
  assertTrue<Equal<Awaited<ReturnType<typeof handle.result>>, number | undefined>>();
  await parsed.send({ at: new Date() });
  // @ts-expect-error the handler returns nothing; batch.result sets results
  tm.batchTask({ name: 'returning', batch: { size: 1 } }, async (words: string[]) => words);
  // @ts-expect-error a batch task needs a size
  tm.batchTask({ name: 'sizeless', batch: {} }, async (_: string[]) => {});
}

export function priorities(): void {
  tm.task({ name: 'ranked', priorities: true }, async () => {}).with({ priority: 'high' });
  // @ts-expect-error there are three lanes
  email.with({ priority: 'urgent' });
}

export const versioned = tm.task(
  { name: 'versioned', version: 2, upcast: { 1: ([id]) => [{ id }] } },
  async (user: { id: string }) => user.id,
);
