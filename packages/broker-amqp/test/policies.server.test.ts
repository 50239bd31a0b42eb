import { firstMessages } from '@brokkr/core/adapter';
import { afterEach, expect, it } from 'vitest';
import { readDeadLetter } from '@brokkr/core';
import { RabbitBench, envelope } from './rabbit-bench.ts';

const bench = new RabbitBench();
afterEach(() => bench.server.control('clear_policy', 'bent').catch(() => undefined));

function bend(pattern: string, definition: object): Promise<string> {
  return bench.server.control('set_policy', 'bent', pattern, JSON.stringify(definition), '--apply-to', 'queues');
}

it('a policy that limits the length of a queue refuses messages, and drops no confirmed message', async () => {
  const broker = bench.open();
  await broker.publish([envelope('first')]);
  await bend(`^${bench.namespace}[.]`, { 'max-length': 5 });
  const confirmed = ['first'];
  const codes = new Set<unknown>();
  // A quorum queue notices late that it is full.
  await expect
    .poll(
      async () => {
        for (let count = 0; count < 50; count++) {
          const id = `m${confirmed.length}-${count}`;
          await broker.publish([envelope(id)]).then(
            () => confirmed.push(id),
            (error: { code?: unknown }) => codes.add(error.code),
          );
          if (codes.size > 0) break;
        }
        return [...codes];
      },
      { timeout: 30_000 },
    )
    .toEqual(['BROKER_FULL']);
  const ready = await firstMessages(broker.inspector, 'q', 'ready', 500);
  const found = new Set(ready.map(({ id }) => id));
  expect(confirmed.filter((id) => !found.has(id))).toEqual([]);
}, 90_000);

it.each([
  ['message-ttl', { 'message-ttl': 100 }, /expired.*message-ttl/],
  ['delivery-limit', { 'delivery-limit': 1 }, /delivery_limit.*delivery-limit/],
])(
  'a dead letter of a policy with %s reports that RabbitMQ removed it, and why',
  async (_, definition, reason) => {
    const broker = bench.open();
    await broker.publish([envelope('first')]);
    await bend(`^${bench.namespace}[.]q$`, definition);
    await broker.publish([envelope('second')]);
    await expect
      .poll(
        async () => {
          // Each look is a delivery.
          await firstMessages(broker.inspector, 'q', 'ready', 10);
          return (await broker.inspector.counts('q')).dead;
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0);
    const [letter] = await firstMessages(broker.inspector, 'q', 'dead', 1);
    expect(letter === undefined ? '' : readDeadLetter(letter).reason).toMatch(reason);
    expect(await broker.diagnostics.diagnose()).toMatchObject([
      { code: 'SERVER_REMOVES_MESSAGES', message: expect.stringMatching(reason) },
    ]);
  },
  90_000,
);
