import type { ChannelModel } from 'amqplib';

/** A frame that the client passes to a channel: here the properties of a message. */
interface HeaderFrame {
  readonly id: number;
  readonly channel: number;
  readonly size: number;
  readonly fields: Record<string, unknown>;
}

/** Parts of a connection that the client does not declare. */
interface FrameReader {
  /** Bytes that were received and not read yet. */
  rest?: Buffer;
  recvFrame?: () => unknown;
}

const PROPERTIES_FRAME = 2;
const FRAME_HEADER_BYTES = 7;
/** Class and weight, size of the body, and the first flags. */
const FIXED_BYTES = 14;

/**
 * Lets a message whose headers the client cannot decode arrive without them. Tables that are nested a few thousand deep
 * overflow the client's stack. It would then close the connection, the server would deliver the message again, and no
 * worker would ever get past it. If a later client has other internals, its connections are left unchanged.
 */
export function keepUndecodable(model: ChannelModel): void {
  const reader = model.connection as FrameReader;
  const receive = reader.recvFrame;
  if (receive === undefined) return;
  reader.recvFrame = function (this: FrameReader) {
    const before = this.rest;
    try {
      return receive.call(this);
    } catch (error) {
      // The frame that failed is the first of those bytes: the client reads more only if there is no whole one.
      const frame = before === this.rest ? undefined : withoutHeaders(before);
      if (frame === undefined) throw error;
      return frame;
    }
  };
}

function withoutHeaders(bytes: Buffer | undefined): HeaderFrame | undefined {
  if (bytes === undefined || bytes.byteLength < FRAME_HEADER_BYTES + FIXED_BYTES) return undefined;
  const isWhole = bytes.byteLength > FRAME_HEADER_BYTES + bytes.readUInt32BE(3);
  if (bytes[0] !== PROPERTIES_FRAME || !isWhole) return undefined;
  return {
    id: bytes.readUInt16BE(FRAME_HEADER_BYTES),
    channel: bytes.readUInt16BE(1),
    size: Number(bytes.readBigUInt64BE(FRAME_HEADER_BYTES + 4)),
    fields: {},
  };
}
