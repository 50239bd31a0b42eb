import { expect, it } from 'vitest';
import type { Connection } from '../src/connection/connection.ts';
import { QueueProbe } from '../src/connection/queue-probe.ts';

it('a queue that there was no time to ask for has an error that does not blame the connection', async () => {
  const connection = { ready: async () => ({}), mostChannels: 2_047, address: 'rabbit:5672' } as unknown as Connection;
  const error = await new QueueProbe(connection)
    .queue('emails', performance.now() - 1)
    .catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ code: 'BROKER_SLOW' });
  expect((error as Error).message).toMatch(
    /^RabbitMQ at rabbit:5672 was not asked for queue emails: the answers about/,
  );
  expect((error as Error).message).not.toMatch(/cannot reach|running/);
});
