import { describe, expect, it } from 'vitest';
import type { Subscription } from '../../src/broker/broker.ts';
import type { Delivery } from '../../src/broker/delivery.ts';
import type { Settlement } from '../../src/broker/settlement.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { Settler } from '../../src/worker/settler.ts';

const delivery = (id: string): Delivery => ({
  envelope: { id, queue: 'q', body: Buffer.from('[]'), headers: {} },
  fence: 1,
  crashes: 0,
});

/** Returns the reports about settlements whose calls get the given answers, in turn. */
async function told(
  deliveries: readonly Delivery[],
  answers: readonly (readonly Delivery[] | Error)[],
): Promise<string[]> {
  const left = [...answers];
  const heard: string[] = [];
  const clock = new ManualClock();
  const settle = async () => {
    const answer = left.shift() ?? new Error('not asked so often');
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const settler = new Settler<undefined>({
    subscription: { settle } as Partial<Subscription> as Subscription,
    clock,
    leaseMs: 1_000,
    onSettled: (settlement: Settlement, lost) =>
      heard.push(`${settlement.delivery.envelope.id} ${lost ? 'lost' : 'taken'}`),
    onUnknown: (settlement, error) =>
      heard.push(`${settlement.delivery.envelope.id} unknown: ${(error as Error).message}`),
  });
  for (const one of deliveries) settler.add({ kind: 'ack', delivery: one }, undefined);
  settler.flush();
  await clock.advance(10_000);
  return heard;
}

describe('the report about a settlement', () => {
  const [a, b] = [delivery('a'), delivery('b')];

  it('is the answer of the broker: accepted or lost', async () => {
    expect(await told([a, b], [[b]])).toEqual(['a taken', 'b lost']);
  });

  it('is accepted if a repeat takes effect', async () => {
    expect(await told([a, b], [new Error('broken'), []])).toEqual(['a taken', 'b taken']);
  });

  it('is unknown, never lost, if an answer was lost: the first call may have settled the message', async () => {
    expect(await told([a, b], [new Error('broken'), [a]])).toEqual(['a unknown: broken', 'b taken']);
  });

  it('is unknown if no answer arrived before the lease ended', async () => {
    expect(
      await told(
        [a],
        Array.from({ length: 20 }, () => new Error('away')),
      ),
    ).toEqual(['a unknown: away']);
  });
});
