import type { MetricFamily, WorkerHealth } from '@brokkr/core/metrics';
import { isQuestion, type StateAnswer, type WantedMetrics } from './supervisor-messages.ts';

/** The state that a worker process reports. */
export interface ReportedState {
  readonly health: () => Promise<WorkerHealth>;
  readonly metrics: (which: 'all' | 'counters') => readonly MetricFamily[];
}

/**
 * Answers the questions of a supervisor from now on.
 *
 * @returns sends the metrics for the last time if they were ever wanted, because the counters of a process must not be
 * lost with it, and answers no more
 */
export function answerSupervisor({ health, metrics }: ReportedState): () => Promise<void> {
  let isMetered = false;
  const send = (answer: StateAnswer) =>
    new Promise<void>((resolve) => {
      if (process.connected) process.send?.(answer, () => resolve());
      else resolve();
    });
  const answer = async (number: number, wanted: WantedMetrics) => {
    const state = { brokkr: 'answer', number, health: await health() } as const;
    await send(wanted === 'none' ? state : { ...state, metrics: metrics(wanted) });
  };
  const listener = (message: unknown) => {
    if (!isQuestion(message)) return;
    isMetered ||= message.metrics !== 'none';
    void answer(message.number, message.metrics);
  };
  process.on('message', listener);
  return async () => {
    process.off('message', listener);
    if (isMetered) await answer(0, 'all');
  };
}
