import { effect } from '@preact/signals';
import { bulkJobs } from '../api/live-data.ts';
import { broker, session } from '../api/session.ts';
import { notify } from '../parts/notices.tsx';
import { link } from '../route/route.ts';
import { JobOutcomes } from './job-outcomes.ts';

const outcomes = new JobOutcomes();

/** Shows the outcome of a job that this page started, once it has ended. */
export function followJob(id: string): void {
  outcomes.follow(id);
  announce();
}

/** Shows the outcomes of the user's jobs from now on, whichever page is open. */
export function announceOutcomes(): void {
  effect(announce);
}

function announce(): void {
  for (const { id, text, tone, stays } of outcomes.take(bulkJobs.value.rows.values(), session.value?.who)) {
    const href = link([broker.peek()?.name ?? '', 'bulk'], { job: id });
    notify(text, { tone, stays, link: { text: 'Open the job', href } });
  }
}
