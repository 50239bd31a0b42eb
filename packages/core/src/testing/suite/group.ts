import { NotApplicable, TestBench } from './bench.ts';
import type { BrokerSuiteOptions } from './options.ts';

/** Registers a case with its own bench. `boundMs`: most real time it may take; 5 s by default. */
export type Case = (name: string, body: (bench: TestBench) => Promise<void>, boundMs?: number) => void;

/** One promise of the contract, as a group of cases. */
export interface Group {
  readonly name: string;
  readonly cases: (it: Case) => void;
}

const BOUND_MS = 5_000;
/** The runner waits longer than the two time limits of a case, because their errors name the step that did not end. */
const RUNNER_SLACK_MS = 1_000;

export function registerGroup({ name, cases }: Group, options: BrokerSuiteOptions): void {
  const { runner, onNotApplicable } = options;
  runner.describe(name, () => {
    cases((title, body, boundMs = BOUND_MS) => {
      const run = async () => {
        const bench = new TestBench(options);
        try {
          await bounded(bench.setUp().then(body), boundMs, title);
        } catch (error) {
          if (!(error instanceof NotApplicable)) throw error;
          onNotApplicable?.(`${name}: ${title}`, error.message);
        } finally {
          await bounded(bench.tearDown(), BOUND_MS, `closing after: ${title}`);
        }
      };
      runner.it(title, run, boundMs + BOUND_MS + RUNNER_SLACK_MS);
    });
  });
}

async function bounded(work: Promise<unknown>, boundMs: number, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not done within ${boundMs} ms`)), boundMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
