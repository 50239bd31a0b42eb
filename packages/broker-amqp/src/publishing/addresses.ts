import { delayUntil, type Envelope, isSuspect, type ServerClock } from '@brokkr/core/adapter';
import { type LadderPath, ladderPath, LONGEST_DELAY_MS, TOP_LEVEL } from '../topology/delay-ladder.ts';
import { encodeProperties, NEW, type DeliveryMetadata } from './envelope-codec.ts';
import { headerBytes } from './header-limit.ts';
import { ladderKey, type Names } from '../topology/names.ts';
import type { Outgoing } from './send-batch.ts';

/** Addresses envelopes to a queue, a rung of its ladder, its quarantine or its dead letters. */
export class Addresses {
  readonly #names: Names;
  readonly #clock: ServerClock;

  constructor(names: Names, clock: ServerClock) {
    this.#names = names;
    this.#clock = clock;
  }

  /** A new message for its queue. If its headers are too large for the server, it is refused. */
  newMessage(envelope: Envelope, now: number): Outgoing {
    return this.toQueueWhenDue(envelope, NEW, now, true);
  }

  /**
   * To its queue, at once if it is due, else over the ladder. The delay is `notBefore` by the clock of the process that
   * stores the message; the server's clock counts it down.
   */
  toQueueWhenDue(envelope: Envelope, metadata: DeliveryMetadata = NEW, now = Date.now(), isNew = false): Outgoing {
    const delayMs = delayUntil(envelope.notBefore, now);
    return delayMs > 0
      ? this.overLadder(delayMs, envelope, metadata, isNew)
      : this.#outgoing('', this.#names.queue(envelope.queue), envelope, metadata, undefined, isNew);
  }

  /** To its queue in `delayMs`. If that is longer than the ladder, it is delivered early, with the remaining delay. */
  overLadder(delayMs: number, envelope: Envelope, metadata: DeliveryMetadata, isNew = false): Outgoing {
    const waitMs = Math.min(delayMs, LONGEST_DELAY_MS);
    const path = ladderPath(waitMs);
    const level = TOP_LEVEL - path.findIndex((steps) => steps > 0);
    const carried = { ...metadata, remainingDelayMs: delayMs - waitMs };
    return this.#outgoing(this.#names.ladder(envelope.queue, level), ladderKey(path), envelope, carried, path, isNew);
  }

  /** To its queue at once, even before it is due, or to its quarantine if it is a suspect. */
  toQueueNow(envelope: Envelope, metadata: DeliveryMetadata): Outgoing {
    const { queue } = envelope;
    const target = isSuspect(metadata) ? this.#names.quarantine(queue) : this.#names.queue(queue);
    return this.#outgoing('', target, envelope, metadata);
  }

  /** To the dead letters of `queue`, through their exchange. */
  toDeadLetters(queue: string, envelope: Envelope): Outgoing {
    return { ...this.#outgoing(this.#names.deadExchange, queue, envelope, NEW), queue };
  }

  #outgoing(
    exchange: string,
    routingKey: string,
    envelope: Envelope,
    metadata: DeliveryMetadata,
    path?: LadderPath,
    isNew = false,
  ): Outgoing {
    const properties = encodeProperties(this.#clock.toServer(envelope), metadata);
    return {
      exchange,
      routingKey,
      content: asBuffer(envelope.body),
      properties,
      queue: envelope.queue,
      path,
      headerBytes: headerBytes(properties),
      isNew,
    };
  }
}

function asBuffer(body: Uint8Array): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
