/** The part of a broker that knows which worker holds which messages. */
export interface WorkerDirectory {
  /**
   * Ends every lease that `workerId` holds, in all queues, as a crash each. A supervisor calls it for a child that
   * died, so that its messages run before the leases expire.
   * @returns how many leases ended
   */
  release(workerId: string): Promise<number>;
}
