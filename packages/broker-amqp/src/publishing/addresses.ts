import type { Envelope } from '@brokkr/core/adapter';
import { ladderPath, LONGEST_DELAY_MS, TOP_LEVEL } from '../topology/delay-ladder.ts';
import { encodeProperties, NEW, type DeliveryMetadata } from './envelope-codec.ts';
import { ladderKey, type Names } from '../topology/names.ts';
import type { Outgoing } from './send-batch.ts';

/** Envelopes as they are addressed: to a queue, a rung of its ladder, its quarantine or its dead letters. */
export class Addresses {
  readonly #names: Names;

  constructor(names: Names) {
    this.#names = names;
  }

  /** To its queue, at once or over the ladder. The sender's clock gives the time to wait, the server's counts it down. */
  queue(envelope: Envelope, metadata: DeliveryMetadata = NEW, now = Date.now()): Outgoing {
    const delayMs = envelope.notBefore === undefined ? 0 : Math.ceil(envelope.notBefore - now);
    return delayMs > 0
      ? this.after(delayMs, envelope, metadata)
      : this.#direct(this.#names.queue(envelope.queue), envelope, metadata);
  }

  /** To its queue in `delayMs`; what is longer than the ladder is handed over early, with what is left. */
  after(delayMs: number, envelope: Envelope, metadata: DeliveryMetadata): Outgoing {
    const waitMs = Math.min(delayMs, LONGEST_DELAY_MS);
    const path = ladderPath(waitMs);
    const level = TOP_LEVEL - path.findIndex((steps) => steps > 0);
    return {
      exchange: this.#names.ladder(envelope.queue, level),
      routingKey: ladderKey(path),
      content: asBuffer(envelope.body),
      properties: encodeProperties(envelope, { ...metadata, remainingDelayMs: delayMs - waitMs }),
      queue: envelope.queue,
      path,
    };
  }

  /** To its queue, or where two crashes may be its own to its quarantine; whatever its times say. */
  back({ notBefore: _, ...envelope }: Envelope, metadata: DeliveryMetadata): Outgoing {
    const { queue } = envelope;
    const target = metadata.crashes > 1 ? this.#names.quarantine(queue) : this.#names.queue(queue);
    return this.#direct(target, envelope, metadata);
  }

  /** To the dead letters of `queue`, through their exchange. */
  dead(queue: string, envelope: Envelope): Outgoing {
    return {
      exchange: this.#names.deadExchange,
      routingKey: queue,
      content: asBuffer(envelope.body),
      properties: encodeProperties(envelope, NEW),
      queue,
      path: undefined,
    };
  }

  #direct(routingKey: string, envelope: Envelope, metadata: DeliveryMetadata): Outgoing {
    return {
      exchange: '',
      routingKey,
      content: asBuffer(envelope.body),
      properties: encodeProperties(envelope, metadata),
      queue: envelope.queue,
      path: undefined,
    };
  }
}

function asBuffer(body: Uint8Array): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
