import { expect, it } from 'vitest';
import { brokerSuite } from '../../src/testing/broker-suite.ts';
import { type Group, registerGroup } from '../../src/testing/suite/group.ts';

/** Records how long the runner waits for each case. */
function told() {
  const times: number[] = [];
  const runner = {
    describe: (_: string, body: () => void) => body(),
    it: (_name: string, _body: () => Promise<void>, timeoutMs: number) => times.push(timeoutMs),
  };
  return { times, options: { runner, open: () => expect.fail('nothing runs here') } };
}

it('gives the runner longer for a case than the case and its close may take, so that their own time limits report first', () => {
  const { times, options } = told();
  const cases: Group['cases'] = (it) => {
    it('quick', async () => undefined);
    it('slow', async () => undefined, 60_000);
  };
  registerGroup({ name: 'some', cases }, options);
  expect(times).toEqual([11_000, 66_000]);
});

it('does so for every case of the suite', () => {
  const { times, options } = told();
  brokerSuite('some', options);
  expect(times.length).toBeGreaterThan(100);
  expect(Math.min(...times)).toBe(11_000);
});
