import type { FoundRow, Listed } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { reasonAgainst } from '../api/session.ts';
import { useTopics } from '../api/use-topics.ts';
import { useResource } from '../api/use-resource.ts';
import { Empty } from '../parts/empty.tsx';
import { Failure, Loading } from '../parts/failure.tsx';
import { Head } from '../parts/head.tsx';
import { Pill } from '../parts/pill.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { Table } from '../parts/table.tsx';
import { Text } from '../parts/text.tsx';
import { route, setQuery } from '../route/route.ts';
import { messageLink } from './message-columns.tsx';
import { IdAmongDead } from './id-among-dead.tsx';
import { queueLink } from './queue-columns.tsx';

/** Finds a message by its id in every queue. */
export function FindPage({ broker }: { broker: string }) {
  const { id = '' } = route.value.query;
  const reason = reasonAgainst('find');
  useTopics(broker, reason === undefined ? [] : ['queues']);
  const found = useResource<Listed<FoundRow>>(
    id === '' || reason !== undefined ? undefined : apiUrl([broker, 'find'], { id }),
    0,
  );
  const items = found.data?.items ?? [];
  return (
    <>
      <Head title="Find a message">
        <SearchField
          label="Id of the message"
          value={id}
          reason={reason}
          takesFocus
          onSearch={(text) => setQuery({ id: text }, { replace: true })}
        />
      </Head>
      <section class="panel" aria-label="Messages found">
        {reason !== undefined ? (
          <Empty icon="search" title="This broker cannot find messages by id">
            <p>{reason}</p>
            <IdAmongDead broker={broker} />
          </Empty>
        ) : id === '' ? (
          <Empty icon="search" title="Paste an id">
            <p>It is in the logs, and in what send() returned.</p>
          </Empty>
        ) : found.error !== undefined ? (
          <Failure error={found.error} onRetry={found.reload} />
        ) : found.loading ? (
          <Loading />
        ) : items.length === 0 ? (
          <Empty icon="search" title="No message with this id is stored">
            <p>It may have ended, or never existed. Messages that succeeded, expired or were removed are not kept.</p>
          </Empty>
        ) : (
          <Table
            label="Messages found"
            rows={items}
            keyOf={(row) => `${row.queue} ${row.id}`}
            href={(row) => messageLink(row.queue, row.id)}
            columns={[
              {
                key: 'id',
                title: 'Id',
                label: '',
                class: 'full',
                cell: (row) => (
                  <a class="mono" href={messageLink(row.queue, row.id)}>
                    <Text value={row.id} />
                  </a>
                ),
              },
              {
                key: 'state',
                title: 'State',
                label: '',
                class: 'half',
                cell: (row) => <Pill state={row.state}>{row.state}</Pill>,
              },
              { key: 'task', title: 'Task', label: '', class: 'half', cell: (row) => <Text value={row.task} /> },
              {
                key: 'queue',
                title: 'Queue',
                class: 'half',
                cell: (row) => (
                  <a href={queueLink(row.queue)}>
                    <Text value={row.queue} />
                  </a>
                ),
              },
            ]}
          />
        )}
      </section>
    </>
  );
}
