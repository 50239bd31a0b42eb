import { expect, it } from 'vitest';
import { runFacts } from '../../page/src/actions/run-facts.ts';

const run = (id: string, startedAt?: number) => ({
  id,
  task: 'pdf',
  worker: 'w-1',
  ...(startedAt !== undefined && { startedAt }),
});

it('the question before a running task is cancelled names its id, task, worker and run time', () => {
  expect(runFacts([run('m1', 10_000)], 530_000)).toEqual([
    ['Id', 'm1'],
    ['Task', 'pdf'],
    ['Worker', 'w-1'],
    ['Runs for', '8 m 40 s'],
  ]);
  expect(runFacts([{ id: 'm1', task: '' }], 0)).toEqual([
    ['Id', 'm1'],
    ['Task', 'no name'],
    ['Worker', 'unknown'],
    ['Runs for', 'an unknown time'],
  ]);
});

it('the question before several are cancelled names the first five', () => {
  const facts = runFacts(
    [1, 2, 3, 4, 5, 6, 7].map((each) => run(`m${each}`, each * 1_000)),
    8_000,
  );
  expect(facts).toHaveLength(6);
  expect(facts[0]).toEqual(['m1', 'pdf on w-1, for 7 s']);
  expect(facts[5]).toEqual(['and', '2 more']);
});
