import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/**
 * The name of a worker process at the broker: `web-1:3f9c2a1b`, or `host:pid:3f9c2a1b`. Each process has its own, because a
 * supervisor ends all leases of a process that died by its name. In a rolling deployment a process of another supervisor
 * with the same `--worker-id` still runs its tasks, and keeps their leases.
 * @param given name of the user
 * @param number of the process, if there are several
 */
export function childWorkerId(given: string | undefined, number: number | undefined): string {
  const own = randomBytes(4).toString('hex');
  if (given === undefined) return `${hostname()}:${process.pid}:${own}`;
  return `${given}${number === undefined ? '' : `-${number}`}:${own}`;
}
