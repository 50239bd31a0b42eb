import type { DeadGroup, DeadGroups } from '../../../src/api/types.ts';
import { now } from '../api/clock.ts';
import { barsRange, DeathBars } from '../charts/death-bars.tsx';
import { Text } from '../parts/text.tsx';
import { link, route } from '../route/route.ts';
import { relative } from '../text/duration.ts';
import { count } from '../text/number.ts';

/** Groups that are shown before the others are asked for. */
const SHOWN = 5;

/** Dead letters of a queue by task and error. A click filters the list by a group, and another one ends that. */
export function ErrorGroups({ of: { items: groups, barMs } }: { of: DeadGroups }) {
  const { path, query } = route.value;
  const isChosen = ({ task, error }: DeadGroup) => query.group === error && query.task === task;
  const [first] = groups;
  if (first === undefined || (groups.length === 1 && !isChosen(first) && query.group === undefined)) return null;
  const shown = query.groups === 'all' ? groups : groups.filter((group, index) => index < SHOWN || isChosen(group));
  return (
    <div class="groups" role="group" aria-label="Grouped by task and error">
      <p class="legend">
        <span>By task and error</span>
        <span class="bars-of">Died in {barsRange({ barMs, deaths: first.deaths.length })}</span>
      </p>
      {shown.map((group) => (
        <a
          key={`${group.task} ${group.error}`}
          class="group"
          aria-current={isChosen(group) ? 'true' : undefined}
          href={link(path, {
            ...query,
            after: undefined,
            task: isChosen(group) ? undefined : group.task,
            group: isChosen(group) ? undefined : group.error,
          })}
        >
          <span class="count">{count(group.count)}</span>
          <span class="of">
            <Text value={group.task === '' ? 'no name' : group.task} />
          </span>
          <span class="err mono">
            <Text value={group.error} />
          </span>
          <DeathBars values={group.deaths} />
          <span class="muted nowrap">
            {group.lastAt === undefined ? '' : `last ${relative(group.lastAt, now.value)}`}
          </span>
        </a>
      ))}
      {shown.length < groups.length ? (
        <a class="more" href={link(path, { ...query, groups: 'all' })}>
          {count(groups.length - shown.length)} more groups
        </a>
      ) : null}
    </div>
  );
}
