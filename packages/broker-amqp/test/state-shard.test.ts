import type { GetMessage } from 'amqplib';
import { expect, it } from 'vitest';
import { StateShard, type StateShardOptions } from '../src/state/state-shard.ts';

/** The error of a read that does not get the state in time. @param get what the server answers */
async function errorOfRead(get: () => Promise<GetMessage | false>): Promise<string> {
  const channel = { get, on: () => undefined, close: async () => undefined };
  const connection = {
    address: 'rabbit:5672',
    timeoutMs: 50,
    isBlocked: false,
    trouble: undefined,
    openConfirmChannel: async () => channel,
  };
  const shard = new StateShard('brokkr:state:7', {
    connection,
    onWorn: () => undefined,
  } as unknown as StateShardOptions);
  return shard.run((values) => values.get('key')).catch((error: Error) => error.message) as Promise<string>;
}

/** Lets the shard, which waits for the message for 30 s, end with the test. */
const HELD_MS = 200;

it('a server that does not answer is named as the reason, and no other process', async () => {
  const message = await errorOfRead(() => new Promise(() => undefined));
  expect(message).toMatch(
    /^cannot reach RabbitMQ at rabbit:5672: no answer in time about the state in brokkr:state:7; check that it is running/,
  );
});

it('another process is named as the reason if the server answers that the state is held', async () => {
  const until = performance.now() + HELD_MS;
  const message = await errorOfRead(async () => {
    if (performance.now() < until) return false;
    throw new Error('the test is over');
  });
  expect(message).toBe(
    'state in brokkr:state:7: RabbitMQ at rabbit:5672 answers, but another process held the state all the time; try again',
  );
});
