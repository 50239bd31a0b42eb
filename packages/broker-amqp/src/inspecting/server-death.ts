import type { Envelope } from '@brokkr/core/adapter';
import type { Message } from 'amqplib';

/** Why RabbitMQ itself moved a message to the dead letters, by the reason in its header `x-death`. */
const CAUSES: Readonly<Record<string, string>> = {
  expired: 'its time to live ended: a policy sets message-ttl, or its sender an expiration',
  maxlen: 'the queue was full: a policy sets max-length or max-length-bytes',
  delivery_limit: 'it was delivered too often: a policy sets delivery-limit',
  rejected: 'another program consumed and rejected it',
};
/** Begins the reason of each such dead letter. */
export const SERVER_REMOVED = 'RabbitMQ removed it from';
/** The header has an entry for each queue and reason; foreign messages may bring any number. */
const MOST_ENTRIES = 20;

/**
 * The reason of a dead letter that RabbitMQ itself moved there; undefined if a worker did. Delayed messages have the header
 * too, since they left the queues of their delay: only the queues of a worker count.
 * @param queues names on the server
 */
export function serverDeath({ properties }: Message, queues: readonly string[]): string | undefined {
  const deaths: unknown = properties.headers?.['x-death'];
  if (!Array.isArray(deaths)) return undefined;
  for (const death of deaths.slice(0, MOST_ENTRIES) as readonly unknown[]) {
    const { queue, reason } = (death ?? {}) as { readonly queue?: unknown; readonly reason?: unknown };
    if (typeof queue !== 'string' || typeof reason !== 'string' || !queues.includes(queue)) continue;
    return `${SERVER_REMOVED} ${queue} (${reason.slice(0, 40)}): ${CAUSES[reason] ?? 'see x-death'}`;
  }
  return undefined;
}

/** The envelope of a dead letter, with the server's reason if no worker gave one. */
export function withServerDeath(envelope: Envelope, message: Message, queues: readonly string[]): Envelope {
  if (envelope.headers['brokkr-reason'] !== undefined) return envelope;
  const reason = serverDeath(message, queues);
  return reason === undefined ? envelope : { ...envelope, headers: { ...envelope.headers, 'brokkr-reason': reason } };
}
