import type { DeadGroup, MessageState } from '../../../src/api/types.ts';
import { AGES } from '../actions/letter-filter.ts';
import { Choice } from '../parts/choice.tsx';
import { FilterChip } from '../parts/filter-chip.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { route, setQuery } from '../route/route.ts';

const ORDERS = [
  ['oldest', 'oldest first'],
  ['newest', 'newest first'],
] as const;

interface Props {
  readonly state: MessageState;
  readonly groups: readonly DeadGroup[];
  readonly order: string;
}

/** Filters of a list of messages. They are part of the address. */
export function MessageFilters({ state, groups, order }: Props) {
  const { task = '', error = '', group = '', text = '', since = '' } = route.value.query;
  const isDead = state === 'dead';
  const tasks = [...new Set(groups.map((each) => each.task))].filter((name) => name !== '');
  return (
    <div class="filters">
      <div class="chips">
        <FilterChip
          label="Task"
          value={task}
          known={tasks}
          onChange={(value) => setQuery({ task: value, group: undefined })}
        />
        {isDead && group !== '' ? (
          <FilterChip label="Error" value={group} onChange={() => setQuery({ group: undefined })} />
        ) : null}
        {isDead && group === '' ? (
          <FilterChip label="Error" value={error} onChange={(value) => setQuery({ error: value })} />
        ) : null}
        <Choice
          label={isDead ? 'Died' : 'Sent'}
          value={since}
          options={AGES}
          onChange={(value) => setQuery({ since: value })}
        />
        {state === 'running' ? null : (
          <Choice label="Order" quiet value={order} options={ORDERS} onChange={(value) => setQuery({ from: value })} />
        )}
      </div>
      <SearchField
        label="Id or text in arguments"
        value={text}
        onSearch={(value) => setQuery({ text: value }, { replace: true })}
      />
    </div>
  );
}
