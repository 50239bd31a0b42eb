import { describe, expect, it } from 'vitest';
import { JobOutcomes, outcomeOf } from '../../page/src/actions/job-outcomes.ts';
import type { BulkJob } from '../../src/index.ts';

const job: BulkJob = {
  ...{ id: 'j', do: 'retry', queue: 'pdf', filter: {}, who: 'ada', startedAt: 1_000, state: 'running' },
  ...{ done: 0, looked: 0, total: 24 },
};
const ended: BulkJob = { ...job, state: 'done', done: 24, endedAt: 3_500 };

describe('the outcome of a bulk job', () => {
  it.each<[Partial<BulkJob>, string, string]>([
    [{}, 'Done: retried 24 messages of pdf in 2.5 s.', 'succeeded'],
    [{ do: 'move', to: 'later', done: 23 }, 'Done: moved 23 of 24 messages of pdf to later in 2.5 s.', 'succeeded'],
    [{ state: 'stopped', done: 12 }, 'Stopped: retried 12 of 24 messages of pdf.', 'succeeded'],
    [
      { state: 'failed', do: 'discard', done: 12, error: { code: 'X', message: 'no connection' } },
      'Failed: discarded 12 of 24 messages of pdf. no connection',
      'failed',
    ],
    [{ state: 'interrupted', done: 12 }, 'Interrupted: retried at least 12 of 24 messages of pdf.', 'failed'],
  ])('of %o reads as %s', (fields, text, tone) => {
    expect(outcomeOf({ ...ended, ...fields })).toMatchObject({ text, tone });
  });

  it('stays on the page if the job was long: its user may have looked away', () => {
    expect(outcomeOf(ended).stays).toBe(false);
    expect(outcomeOf({ ...ended, endedAt: 11_001 }).stays).toBe(true);
  });

  it('is shown once', () => {
    const outcomes = new JobOutcomes();
    expect(outcomes.take([job], 'ada')).toEqual([]);
    expect(outcomes.take([ended], 'ada')).toHaveLength(1);
    expect(outcomes.take([ended], 'ada')).toEqual([]);
  });

  it('is shown of a job that ended before the page saw it run', () => {
    const outcomes = new JobOutcomes();
    outcomes.follow('j');
    expect(outcomes.take([ended], 'ada')).toHaveLength(1);
  });

  it('is not shown of jobs of other users, or of those that had ended when the page was opened', () => {
    const outcomes = new JobOutcomes();
    expect(
      outcomes.take(
        [
          { ...job, who: 'bob' },
          { ...ended, id: 'old' },
        ],
        'ada',
      ),
    ).toEqual([]);
    expect(outcomes.take([{ ...ended, who: 'bob' }], 'ada')).toEqual([]);
  });
});
