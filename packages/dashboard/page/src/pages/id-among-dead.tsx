import { queues } from '../api/live-data.ts';
import { Text } from '../parts/text.tsx';
import { link } from '../route/route.ts';
import { count } from '../text/number.ts';
import { queueLink } from './queue-columns.tsx';
import { queuesWithLetters } from './queues-with-letters.ts';

/** The way to a message on a broker that finds none by its id: the search in the dead letters of a queue. */
export function IdAmongDead({ broker }: { broker: string }) {
  const rows = queuesWithLetters(queues.value.rows.values());
  return (
    <>
      <p>An id can be searched among dead letters: open those of a queue, look at them, and search for the id.</p>
      <p>
        {rows.map(({ name, counts }, index) => (
          <span key={name}>
            {index === 0 ? null : ' · '}
            <a href={queueLink(name, 'dead')}>
              <Text value={name} />
              {counts.dead === undefined ? null : ` (${count(counts.dead)})`}
            </a>
          </span>
        ))}
        {rows.length === 0 ? <a href={link([broker, 'dead'])}>Open the dead letters</a> : null}
      </p>
    </>
  );
}
