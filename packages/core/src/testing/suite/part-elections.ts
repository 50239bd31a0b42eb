import assert from 'node:assert/strict';
import type { Elections, Leadership } from '../../broker/elections.ts';
import { NotApplicable, type TestBench } from './bench.ts';
import type { Group } from './group.ts';

/** One candidate of an election, and its results so far. */
class Candidate {
  readonly elections: Elections;
  readonly #giveUp = new AbortController();
  readonly elected: Promise<Leadership | undefined>;
  leadership: Leadership | undefined;

  constructor(elections: Elections, name: string) {
    this.elections = elections;
    this.elected = elections.elect(name, { signal: this.#giveUp.signal }).then((leadership) => {
      this.leadership = leadership;
      return leadership;
    });
    this.elected.catch(() => undefined);
  }

  get leads(): boolean {
    return this.leadership?.lost.aborted === false;
  }

  giveUp(): void {
    this.#giveUp.abort();
  }
}

async function candidate(bench: TestBench, name: string, broker = bench.broker): Promise<Candidate> {
  const one = new Candidate(bench.part('elections', broker), name);
  bench.onTearDown(async () => {
    one.giveUp();
    await one.leadership?.release();
  });
  return one;
}

async function another(bench: TestBench, name: string): Promise<Candidate> {
  return candidate(bench, name, bench.isShared ? await bench.openAnother() : bench.broker);
}

async function leads(bench: TestBench, one: Candidate, boundMs = 2_000): Promise<void> {
  await bench.until(
    () => one.leads,
    boundMs,
    () => 'the candidate does not lead',
  );
}

export const electing: Group = {
  name: 'part elections',
  cases(it) {
    it('has one leader at a time; the next candidate leads when the leader releases', async (bench) => {
      const first = await candidate(bench, 'e');
      await leads(bench, first);
      const waiting = [await another(bench, 'e'), await another(bench, 'e')];
      await bench.pass(300);
      assert.deepEqual(
        waiting.map((one) => one.leadership),
        [undefined, undefined],
      );
      await first.leadership?.release();
      assert.equal(first.leadership?.lost.aborted, true);
      await bench.until(
        () => waiting.some((one) => one.leads),
        2_000,
        () => 'nobody leads',
      );
      await bench.pass(300);
      assert.equal(waiting.filter((one) => one.leads).length, 1);
      await first.leadership?.release();
      assert.equal(waiting.filter((one) => one.leads).length, 1, 'a second release must change nothing');
    });

    it('separates elections with different names', async (bench) => {
      await leads(bench, await candidate(bench, 'e1'));
      await leads(bench, await another(bench, 'e2'));
    });

    it('lets a candidate stop waiting', async (bench) => {
      const first = await candidate(bench, 'e');
      await leads(bench, first);
      const second = await another(bench, 'e');
      await bench.pass(50);
      second.giveUp();
      assert.equal(await second.elected, undefined);
      const third = await another(bench, 'e');
      await first.leadership?.release();
      await leads(bench, third);
      assert.equal(await second.elections.elect('other', { signal: AbortSignal.abort() }), undefined);
      await leads(bench, await candidate(bench, 'other'));
    });

    it('ends leadership and waiting when the broker closes', async (bench) => {
      const broker = await bench.openAnother();
      const first = await candidate(bench, 'e', broker);
      await leads(bench, first);
      const own = await candidate(bench, 'e', broker);
      const other = bench.isShared ? await another(bench, 'e') : undefined;
      await broker.close();
      assert.equal(first.leadership?.lost.aborted, true);
      await assert.rejects(own.elected);
      if (other !== undefined) await leads(bench, other);
    });

    it('has a leader again, and never two, after the server was killed', async (bench) => {
      const restart = bench.options.crash ?? bench.options.restart;
      const candidates = [await candidate(bench, 'e')];
      await leads(bench, candidates[0] as Candidate);
      if (restart === undefined) throw new NotApplicable('the suite has no option to restart the server');
      candidates.push(await another(bench, 'e'));
      await restart();
      const leaders = () => candidates.filter((one) => one.leads).length;
      await bench.until(
        () => leaders() === 1,
        15_000,
        () => `${leaders()} candidates lead`,
      );
      await bench.pass(300);
      assert.equal(leaders(), 1);
    }, 90_000);
  },
};
