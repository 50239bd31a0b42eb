import type { ChannelModel } from 'amqplib';

/** Limits of a connection before its greeting, as RabbitMQ grants them unless it is set otherwise. */
const DEFAULTS = { channelMax: 2_047, frameMax: 131_072 };

/** Limits that client and server agreed on in the greeting: channels of a connection, and bytes of a frame. */
export function negotiated(model: ChannelModel | undefined): Readonly<typeof DEFAULTS> {
  const { channelMax, frameMax } = (model?.connection ?? {}) as Partial<typeof DEFAULTS>;
  return { channelMax: channelMax ?? DEFAULTS.channelMax, frameMax: frameMax ?? DEFAULTS.frameMax };
}
