import type { StepRun } from './run-steps.ts';

/** Takes what one run reports of its progress, as JSON. Nothing here throws or waits: progress never touches a task. */
export interface RunProgress {
  report(json: string): void;
  /** The handler has ended: the last report is stored now. */
  flush(): void;
  /** The lease is lost: a report that is not written yet is not written. */
  forget(): void;
  /** The message is settled. @param isOver whether it has ended, so that no other run follows */
  settled(isOver: boolean): void;
}

/** Opens the progress of a run, when its handler reports for the first time. */
export type OpenProgress = (run: StepRun) => RunProgress;
