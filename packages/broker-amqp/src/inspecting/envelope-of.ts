import type { Envelope } from '@brokkr/core/adapter';
import type { Message } from 'amqplib';
import { decodeMessage } from '../publishing/envelope-codec.ts';

/** The envelope of a message that is looked at or moved, with the time its sender set. */
export function envelopeOf(message: Message, queue: string): Envelope {
  const { envelope, notBefore } = decodeMessage(message, queue);
  return notBefore === undefined ? envelope : { ...envelope, notBefore };
}
