import type { BulkOptions, Envelope, LetterChoice } from '@brokkr/core/adapter';
import { expect, it, vi } from 'vitest';
import type { OpenedBroker } from '../../src/app/open-broker.ts';
import { changeByIds } from '../../src/dead/change-by-ids.ts';

/** A server that shows dead letters from the front only, as RabbitMQ does. */
function frontServer(...ids: readonly string[]) {
  const letters = ids.map((id) => ({ id }) as Envelope);
  const looks: number[] = [];
  const redrive = async (_: string, which: LetterChoice, { batch = 500, signal, onBatch }: BulkOptions = {}) => {
    const isChosen = typeof which === 'function' ? which : ({ id }: Envelope) => which.includes(id);
    let looked = 0;
    let done = 0;
    for (const letter of [...letters]) {
      if (signal?.aborted) break;
      looked++;
      if (!isChosen(letter)) continue;
      letters.splice(letters.indexOf(letter), 1);
      done++;
      if (done % batch === 0) await onBatch?.({ done, looked });
    }
    looks.push(looked);
    return done;
  };
  const opened = { broker: {}, inspector: { browsing: 'front', redrive } } as unknown as OpenedBroker;
  return { opened, letters, looks };
}

function change(opened: OpenedBroker, ...ids: readonly string[]) {
  const onCount = vi.fn();
  const changed = changeByIds(opened, { queue: 'emails', ids }, 'redrive', {
    dryRun: false,
    rate: undefined,
    onCount,
  });
  return changed.finally(() => expect(onCount).toHaveBeenCalledOnce());
}

it('names the ids that no dead letter has, and changes the others, on a server that shows the front only', async () => {
  const { opened, letters } = frontServer('a', 'b', 'c');
  await expect(change(opened, 'b', 'xyz')).rejects.toThrow('no dead letter xyz in queue emails');
  expect(letters.map(({ id }) => id)).toEqual(['a', 'c']);
});

it('looks at no letter behind the last one that was named', async () => {
  const { opened, looks } = frontServer('a', 'b', 'c', 'd');
  await change(opened, 'b', 'a');
  expect(looks).toEqual([2]);
});
