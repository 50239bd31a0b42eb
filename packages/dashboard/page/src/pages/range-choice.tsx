import { Choice } from '../parts/choice.tsx';
import { setQuery } from '../route/route.ts';
import { RANGES } from './ranges.ts';

/** Chooses the span of time that the charts of a page show. The span is part of its URL. */
export function RangeChoice({ minutes }: { readonly minutes: string }) {
  return (
    <Choice
      label="Time shown"
      quiet
      value={minutes}
      options={RANGES}
      onChange={(value) => setQuery({ minutes: value })}
    />
  );
}
