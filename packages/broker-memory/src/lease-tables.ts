import type { Clock } from '@brokkr/core/adapter';
import { LeaseTable } from './lease-table.ts';
import type { StoredMessage } from './stored-message.ts';

/** The leases of the consumers of one queue. The table of a closed consumer is kept until its last lease has ended. */
export class LeaseTables {
  readonly #clock: Clock;
  readonly #onLapsed: (messages: readonly StoredMessage[]) => void;
  readonly #tables = new Set<LeaseTable>();

  constructor(clock: Clock, onLapsed: (messages: readonly StoredMessage[]) => void) {
    this.#clock = clock;
    this.#onLapsed = onLapsed;
  }

  /** Number of held messages. */
  get size(): number {
    let held = 0;
    for (const table of this.#tables) held += table.size;
    return held;
  }

  /** Id of the worker that holds the message. */
  workerOf(message: StoredMessage): string | undefined {
    for (const table of this.#tables) if (table.has(message)) return table.workerId;
    return undefined;
  }

  open(workerId: string, leaseMs: number): LeaseTable {
    const table: LeaseTable = new LeaseTable({
      workerId,
      leaseMs,
      clock: this.#clock,
      onLapsed: this.#onLapsed,
      onOver: () => this.#tables.delete(table),
    });
    this.#tables.add(table);
    return table;
  }

  /** Ends every lease of a dead worker. @returns how many */
  releaseWorker(workerId: string): number {
    let released = 0;
    for (const table of this.#tables) if (table.workerId === workerId) released += table.lapseAll();
    return released;
  }

  close(): void {
    for (const table of this.#tables) table.close();
  }
}
