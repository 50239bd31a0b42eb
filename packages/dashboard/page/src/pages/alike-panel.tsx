import type { DeadGroups } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/use-resource.ts';
import { Panel } from '../parts/panel.tsx';
import { count } from '../text/number.ts';
import { queueLink } from './queue-columns.tsx';

interface Props {
  readonly broker: string;
  readonly queue: string;
  readonly task: string;
  readonly group: string;
}

/** Other letters that died of the same error. */
export function AlikePanel({ broker, queue, task, group }: Props) {
  const { data } = useResource<DeadGroups>(apiUrl([broker, 'dead', 'groups'], { queue, task }), 0);
  const same = data?.items.find(({ error }) => error === group)?.count;
  return (
    <Panel title="Like this one">
      <div class="body stack">
        <p class="soft">
          {same === 1
            ? 'No other dead message of this task has this error.'
            : `${same === undefined ? 'Dead' : `${count(same)} dead`} messages of this task have this error, but for numbers and ids.`}
        </p>
        {same === 1 ? null : (
          <a class="btn" href={queueLink(queue, 'dead', { task, group })}>
            {same === undefined ? 'Open them' : `Open the ${count(same)}`}
          </a>
        )}
      </div>
    </Panel>
  );
}
