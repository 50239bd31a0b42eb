import type { MetricFamily, WorkerHealth } from '@brokkr/core/metrics';

/** What a supervisor sends to its worker processes over their IPC channel. */
export const FINISH = 'brokkr: finish the running tasks, then end';
export const END_NOW = 'brokkr: end now';

/** What a worker process sends to its supervisor once it listens to orders. */
export const LISTENS = 'brokkr: this worker process listens';
/** What a worker process sends to its supervisor: the broker refuses its user, so a restart cannot help. */
export const REFUSED = 'brokkr: the broker refuses this worker';

export type WantedMetrics = 'none' | 'counters' | 'all';

/** A question of a supervisor for the state of its worker process. */
export interface StateQuestion {
  readonly brokkr: 'question';
  readonly number: number;
  /** Which metrics are wanted, too. Counters are asked for now and then: a process that is killed loses what was not. */
  readonly metrics: WantedMetrics;
}

/** The answer, or the last state of a process that is about to end: `number` is 0 then. */
export interface StateAnswer {
  readonly brokkr: 'answer';
  readonly number: number;
  readonly health: WorkerHealth;
  /** All that were wanted. */
  readonly metrics?: readonly MetricFamily[] | undefined;
}

export function isQuestion(message: unknown): message is StateQuestion {
  return (message as Partial<StateQuestion> | null)?.brokkr === 'question';
}

export function isAnswer(message: unknown): message is StateAnswer {
  return (message as Partial<StateAnswer> | null)?.brokkr === 'answer';
}
