import type { Logger } from 'pino';
import type { Execution } from './execution.ts';

/** Messages that are remembered; the oldest is forgotten first. */
const MOST_KEPT = 1_000;
/** Most tasks that one log line names. */
const MOST_NAMED = 10;

/**
 * Remembers which messages blocked the event loop of this process, and for how long. If a block costs the lease, the
 * message is delivered again and counts a crash. The process that was blocked survives it, so it knows more than the
 * broker: that no worker died. This memory is not shared. A dead letter that another process writes reports crashes.
 */
export class BlockedRuns {
  readonly #logger: Logger;
  readonly #longest = new Map<string, number>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * Logs a block, and remembers the message that caused it.
   * @param culprit the run that blocked the loop; `undefined` if it was not caught in the act
   * @param running all runs of this worker
   */
  note(blockedMs: number, culprit: Execution | undefined, running: readonly Execution[]): void {
    const found = culprit ?? (running.length === 1 ? running[0] : undefined);
    const named = found === undefined ? { tasks: running.slice(0, MOST_NAMED).map(taskOf) } : { task: taskOf(found) };
    this.#logger.warn(
      { ...named, blockedMs: Math.round(blockedMs) },
      `the event loop was blocked for ${seconds(blockedMs)}: nothing else ran in this process; move long computations to a worker thread`,
    );
    if (found !== undefined) this.#remember(found.delivery.envelope.id, blockedMs);
  }

  /** Why a message crashed, if it blocked the event loop of this process. */
  reasonOf(id: string): string | undefined {
    const blockedMs = this.#longest.get(id);
    return blockedMs === undefined ? undefined : `blocked the event loop for ${seconds(blockedMs)}`;
  }

  #remember(id: string, blockedMs: number): void {
    const before = this.#longest.get(id) ?? 0;
    // The latest moves to the end, and is forgotten last.
    this.#longest.delete(id);
    this.#longest.set(id, Math.max(before, blockedMs));
    if (this.#longest.size <= MOST_KEPT) return;
    const [oldest] = this.#longest.keys();
    if (oldest !== undefined) this.#longest.delete(oldest);
  }
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}

function taskOf({ run }: Execution): object {
  return run.bindings().task;
}
