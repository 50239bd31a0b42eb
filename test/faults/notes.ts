import { readFileSync } from 'node:fs';

/** A line of a worker's log: started (`S`), ended (`E`), delivered (`claim`), or the kind of a settlement. */
export interface Note {
  readonly what: string;
  readonly n: number;
  readonly fence: number;
  readonly pid: number;
  readonly at: number;
}

/**
 * Also reported for a message that was published twice, because its sender's answer was lost and it had ended before
 * the repeat.
 */
export const TWO_ENDS = 'came to two ends';

const FINAL = new Set(['ack', 'dead-letter', 'expire']);
const SETTLED = new Set([...FINAL, 'retry', 'release']);

export function readNotes(file: string): readonly Note[] {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .filter((line) => /^\S+ \d+ \d+ \d+ \d+$/.test(line))
    .map((line) => {
      const [what = '', ...numbers] = line.split(' ');
      const [n = 0, fence = 0, pid = 0, at = 0] = numbers.map(Number);
      return { what, n, fence, pid, at };
    });
}

/**
 * Returns violations of the invariants I4 to I8 of a server with fences; none if they hold. A process writes its notes
 * in order, so that no clocks are compared.
 */
export function violations(notes: readonly Note[]): readonly string[] {
  const found: string[] = [];
  const claims = new Map<number, Set<number>>();
  const ended = new Set<string>();
  const settled = new Set<string>();
  const finished = new Map<number, number>();
  const twice = new Set<number>();
  for (const { what, n, fence } of notes) {
    const run = `job ${n}, fence ${fence}`;
    if (what === 'claim') {
      const fences = claims.get(n) ?? new Set();
      // A call that is answered twice (its first answer was lost) is one delivery: its process sees it once.
      if (fences.has(fence)) found.push(`I8: ${run} was handed over twice`);
      claims.set(n, fences.add(fence));
    }
    if (what === 'E') ended.add(run);
    if (!SETTLED.has(what)) continue;
    if (settled.has(run)) found.push(`I5: ${run} was settled twice`);
    settled.add(run);
    if (what === 'ack' && !ended.has(run)) found.push(`I4: ${run} was acknowledged before its handler ended`);
    if (!FINAL.has(what)) continue;
    if (finished.has(n)) {
      found.push(`I5: job ${n} ${TWO_ENDS}`);
      twice.add(n);
    }
    finished.set(n, fence);
  }
  for (const [n, fence] of finished) {
    const highest = Math.max(fence, ...(claims.get(n) ?? []));
    if (highest > fence && !twice.has(n))
      found.push(`I6: job ${n} was settled with fence ${fence} after it was handed over as ${highest}`);
  }
  return found;
}

/** Returns how many handlers ran at the same time, at most. A run without an end goes on until its process or the log ends. */
export function mostAtOnce(notes: readonly Note[]): number {
  const running = new Set<string>();
  let most = 0;
  for (const { what, n, fence, pid } of notes) {
    const run = `${pid} ${n} ${fence}`;
    if (what === 'S') running.add(run);
    if (what === 'E') running.delete(run);
    most = Math.max(most, running.size);
  }
  return most;
}
