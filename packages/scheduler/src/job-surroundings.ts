import type { Broker } from '@brokkr/core';
import type { Clock } from '@brokkr/core/adapter';
import type { TickReporter } from './tick-reporter.ts';

/** The surroundings of a job while it runs. They are fixed from the start of its scheduler to the stop. */
export interface JobSurroundings {
  readonly clock: Clock;
  readonly broker: Broker;
  readonly reporter: TickReporter;
  /** Called before each look at the time. Returns whether `clock` is still the clock of the task manager. */
  readonly checkClock: () => boolean;
}
