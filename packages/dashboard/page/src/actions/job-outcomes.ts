import type { BulkJob } from '../../../src/api/types.ts';
import { duration } from '../text/duration.ts';
import { count, plural } from '../text/number.ts';

/** How a bulk job ended, for a notice. */
export interface Outcome {
  readonly id: string;
  readonly text: string;
  readonly tone: 'succeeded' | 'failed';
  /** Whether the notice stays until it is closed: the user may have looked away from a long job. */
  readonly stays: boolean;
}

/** The outcome of a job that took longer stays. */
const SHORT_MS = 10_000;

const DID: Record<BulkJob['do'], string> = { retry: 'retried', discard: 'discarded', move: 'moved' };

/** Follows the jobs of the user until they end. */
export class JobOutcomes {
  readonly #followed = new Set<string>();

  /** Follows a job that this page started: it may end before the page has seen it run. */
  follow(id: string): void {
    this.#followed.add(id);
  }

  /**
   * Takes the jobs that are known now. Jobs of the user that run are followed, also if another tab started them.
   * @returns outcomes of followed jobs that have ended, each once
   */
  take(jobs: Iterable<BulkJob>, who: string | undefined): readonly Outcome[] {
    const outcomes: Outcome[] = [];
    for (const job of jobs) {
      if (job.state === 'running') {
        if (job.who === who) this.follow(job.id);
      } else if (this.#followed.delete(job.id)) outcomes.push(outcomeOf(job));
    }
    return outcomes;
  }
}

/** A job that ended, in one or two sentences. */
export function outcomeOf(job: BulkJob): Outcome {
  const { id, do: action, queue, to, done, total, state, startedAt, endedAt, error } = job;
  const took = (endedAt ?? startedAt) - startedAt;
  const of = done === total ? plural(total, 'message') : `${count(done)} of ${plural(total, 'message')}`;
  const where = to === undefined ? `of ${queue}` : `of ${queue} to ${to}`;
  const did = `${DID[action]} ${state === 'interrupted' ? 'at least ' : ''}${of} ${where}`;
  const first = { done: 'Done', stopped: 'Stopped', failed: 'Failed', interrupted: 'Interrupted', running: 'Running' };
  const why = error === undefined ? '' : ` ${error.message}`;
  return {
    id,
    text: `${first[state]}: ${did}${state === 'done' ? ` in ${duration(took)}` : ''}.${why}`,
    tone: state === 'failed' || state === 'interrupted' ? 'failed' : 'succeeded',
    stays: took > SHORT_MS,
  };
}
