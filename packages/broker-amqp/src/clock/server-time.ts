import { randomUUID } from 'node:crypto';
import type { Message } from 'amqplib';
import type { Connection } from '../connection/connection.ts';
import type { Names } from '../topology/names.ts';

/** The server writes whole seconds. */
export const RESOLUTION_MS = 1_000;
/** The server deletes what is left of a call that failed. */
const QUEUES_EXPIRE_MS = 60_000;

/**
 * Asks RabbitMQ for its time, epoch milliseconds. The protocol has no such question, but the server writes the time into
 * each message that it dead-letters: here one that expires at once.
 * @throws BrokerUnavailableError if no answer came in time, and the server's refusal if this user may not declare queues
 */
export function serverTime(connection: Connection, names: Names): Promise<number> {
  return connection.withChannel(async (channel) => {
    const ask = <T>(call: PromiseLike<T>) => connection.withTimeout(Promise.resolve(call));
    const own = { exclusive: true, durable: false, autoDelete: true, expires: QUEUES_EXPIRE_MS };
    const answers = names.clock(randomUUID());
    await ask(channel.assertQueue(answers, own));
    const probe = names.clock(randomUUID());
    const dying = { messageTtl: 0, deadLetterExchange: '', deadLetterRoutingKey: answers };
    await ask(channel.assertQueue(probe, { ...own, ...dying }));
    const message = await ask(
      new Promise<Message | null>((resolve, reject) => {
        channel.consume(answers, resolve, { noAck: true }).catch(reject);
        channel.sendToQueue(probe, Buffer.alloc(0));
      }),
    );
    void channel.deleteQueue(probe).catch(() => undefined);
    // The server cuts off the fraction, which is half a second on average.
    return timeOfDeath(message) + RESOLUTION_MS / 2;
  });
}

/** When the server moved the message, epoch milliseconds. @throws Error if it did not write that */
function timeOfDeath(message: Message | null): number {
  const deaths: unknown = message?.properties.headers?.['x-death'];
  const { time } = ((Array.isArray(deaths) ? deaths[0] : undefined) ?? {}) as { readonly time?: unknown };
  // The client decodes a timestamp of a table as an object.
  const seconds = Number((time as { readonly value?: unknown } | undefined)?.value ?? time);
  if (!Number.isSafeInteger(seconds) || seconds <= 0) throw new Error('the server writes no time into x-death');
  return seconds * 1_000;
}
