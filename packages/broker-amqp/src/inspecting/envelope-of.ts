import type { Envelope } from '@brokkr/core/adapter';
import type { Message } from 'amqplib';
import { decodeMessage } from '../publishing/envelope-codec.ts';

/** Returns the envelope of a message that is shown or moved, with the `notBefore` of its sender. */
export function envelopeOf(message: Message, queue: string): Envelope {
  const { envelope, notBefore } = decodeMessage(message, queue);
  return notBefore === undefined ? envelope : { ...envelope, notBefore };
}
