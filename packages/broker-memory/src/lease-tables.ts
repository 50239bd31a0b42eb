import type { Clock } from '@brokkr/core/adapter';
import { LeaseTable } from './lease-table.ts';
import type { StoredMessage } from './stored-message.ts';

/** What the consumers of one queue hold. One that has closed is kept until its last lease is over, and no longer. */
export class LeaseTables {
  readonly #clock: Clock;
  readonly #onLapsed: (messages: readonly StoredMessage[]) => void;
  readonly #tables = new Set<LeaseTable>();

  constructor(clock: Clock, onLapsed: (messages: readonly StoredMessage[]) => void) {
    this.#clock = clock;
    this.#onLapsed = onLapsed;
  }

  /** Messages held. */
  get size(): number {
    let held = 0;
    for (const table of this.#tables) held += table.size;
    return held;
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

  /** Ends every lease of a worker that is known to be dead; answers how many. */
  releaseWorker(workerId: string): number {
    let released = 0;
    for (const table of this.#tables) if (table.workerId === workerId) released += table.lapseAll();
    return released;
  }

  close(): void {
    for (const table of this.#tables) table.close();
  }
}
