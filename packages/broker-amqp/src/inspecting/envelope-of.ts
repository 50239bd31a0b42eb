import type { Envelope, ServerClock } from '@brokkr/core/adapter';
import type { Message } from 'amqplib';
import { decodeMessage } from '../publishing/envelope-codec.ts';

/** Returns the envelope of a message that is shown or moved, in this host's time and with the `notBefore` of its sender. */
export function envelopeOf(message: Message, queue: string, clock: ServerClock): Envelope {
  const { envelope, notBefore } = decodeMessage(message, queue);
  const local = clock.toLocal(envelope);
  return notBefore === undefined ? local : { ...local, notBefore };
}
