import type { TaskManager } from '@brokkr/core';
import { inTime } from '../deadline.ts';

/** Longer than the answer of a server that is there takes. */
const CLOSE_MS = 4_000;

/** Closes the connections of managers. A server that does not answer is waited for 4 s: the process then ends without. */
export async function closeManagers(...managers: readonly TaskManager[]): Promise<void> {
  await inTime(Promise.all(managers.map((manager) => manager.close())), CLOSE_MS);
}
