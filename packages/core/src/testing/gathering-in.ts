import { TaskWorker } from '../worker/task-worker.ts';
import type { Worker } from '../worker/worker.ts';

/** Number of messages that a worker holds for batches that are not full: they run once more come, or time has moved on. */
export function gatheringIn(worker: Worker): number {
  return worker instanceof TaskWorker ? worker.gathering : 0;
}
