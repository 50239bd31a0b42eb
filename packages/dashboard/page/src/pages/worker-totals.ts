import type { WorkerRow } from '../../../src/api/types.ts';
import type { Total } from '../parts/totals.tsx';
import { duration } from '../text/duration.ts';
import { count, plural } from '../text/number.ts';

/** The figures above the table of workers. */
export function workerTotals(all: readonly WorkerRow[]): readonly Total[] {
  const sum = (value: (row: WorkerRow) => number) => all.reduce((total, row) => total + value(row), 0);
  const silent = all.filter((row) => row.silent);
  const quiet = all.filter(({ state }) => state === 'quiet');
  const worst = all.reduce<WorkerRow | undefined>(
    (most, row) => (most === undefined || row.loopDelayMs > most.loopDelayMs ? row : most),
    undefined,
  );
  const versions = new Set(all.map(({ version }) => version));
  return [
    {
      name: 'Workers',
      value: count(all.length),
      note: `on ${plural(new Set(all.map(({ host }) => host)).size, 'host')}`,
    },
    {
      name: 'Slots busy',
      icon: 'running' as const,
      value: count(sum((row) => row.runningCount)),
      note: `of ${count(sum((row) => row.slots))}`,
    },
    {
      name: 'Silent',
      icon: 'failed' as const,
      tone: silent.length > 0 ? 'failed' : 'muted',
      value: count(silent.length),
      note: silent[0]?.id ?? 'all report',
    },
    { name: 'Quiet', value: count(quiet.length), note: quiet[0]?.id ?? 'all take messages' },
    {
      name: 'Loop delay',
      value: duration(worst?.loopDelayMs ?? 0),
      note: worst === undefined ? '' : `worst: ${worst.id}`,
    },
    { name: 'Versions', value: count(versions.size), note: [...versions].sort().join(', ') },
  ];
}
