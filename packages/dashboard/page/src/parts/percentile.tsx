import { session } from '../api/session.ts';
import { estimate, exactness } from '../text/estimate.ts';
import { Tip } from './tip.tsx';

/** A percentile of times, which is an estimate, with the class of times that it is in. */
export function Percentile({
  name,
  value,
  inRow = false,
}: {
  name: string;
  value: number | undefined;
  inRow?: boolean;
}) {
  if (value === undefined) return <span class="zero">–</span>;
  return (
    <Tip inRow={inRow} class="tip" tip={`${name} is ${exactness(value, bounds())}.`}>
      {estimate(value, bounds())}
    </Tip>
  );
}

/** A percentile in words, without an explanation. */
export function percentileText(value: number): string {
  return estimate(value, bounds());
}

function bounds(): readonly number[] {
  return session.value?.durationBounds ?? [];
}
