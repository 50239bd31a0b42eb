import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, connect } from 'amqplib';
import type { BrokerHost } from '@brokkr/core/adapter';
import type { AmqpTarget } from './amqp-url.ts';
import { OpenRefusedError } from './open-refused-error.ts';
import { refusalReason } from './refusal-reason.ts';
import { keepUndecodable } from './undecodable-headers.ts';

/**
 * Opens one connection to one host.
 * @param purpose shown in RabbitMQ's list of connections
 * @throws OpenRefusedError if the server refuses the virtual host, or a limit of connections is reached
 */
export async function dial(
  target: AmqpTarget,
  { host, port }: BrokerHost,
  purpose: string,
  signal: AbortSignal,
): Promise<ChannelModel> {
  const { tls, username, password, vhost, heartbeatS, connectTimeoutMs } = target;
  const socket = {
    signal,
    timeout: connectTimeoutMs,
    noDelay: true,
    keepAlive: true,
    clientProperties: { connection_name: `brokkr ${purpose}` },
    ...tls,
  };
  const server = {
    protocol: tls === undefined ? 'amqp' : 'amqps',
    hostname: host,
    port,
    username,
    password,
    // The client decodes it.
    vhost: encodeURIComponent(vhost),
    heartbeat: heartbeatS,
  };
  try {
    const model = await connect(server, socket);
    corkWrites(model);
    keepUndecodable(model);
    return model;
  } catch (error) {
    // The client hides the server's text.
    if (!(error instanceof Error && error.message.startsWith('Expected ConnectionOpenOk'))) throw error;
    const reason = await refusalReason(target, { host, port }, signal).catch(() => undefined);
    throw new OpenRefusedError(
      reason ?? `virtual host ${JSON.stringify(vhost)} does not exist, or this user may not use it`,
      { cause: error },
    );
  }
}

/** Parts of a connection that the client does not declare. */
interface ConnectionInside {
  readonly stream?: { cork(): void; uncork(): void; destroy(error: Error): void };
  readonly muxer?: { _readIncoming?: () => void };
}

/**
 * Joins the frames that the client writes in one turn of the event loop into one system call. A call for each frame
 * took half of its processor time. If a later client has other internals, its connections are left unchanged.
 */
function corkWrites(model: ChannelModel): void {
  const { stream, muxer } = model.connection as ConnectionInside;
  const writeGathered = muxer?._readIncoming;
  if (stream === undefined || muxer === undefined || writeGathered === undefined) return;
  muxer._readIncoming = function (this: unknown) {
    stream.cork();
    try {
      writeGathered.call(this);
    } finally {
      stream.uncork();
    }
  };
}

/** Writes the frames now that the client keeps until the end of this turn of the event loop. */
export function flushWrites(model: ChannelModel): void {
  (model.connection as ConnectionInside).muxer?._readIncoming?.();
}

/**
 * Closes a connection, and waits for the server's answer for at most `withinMs`. Then it destroys the socket with an error:
 * amqplib takes no other end for one, and would send heartbeats until two of them are missed.
 */
export async function hangUp(model: ChannelModel, withinMs: number): Promise<void> {
  await Promise.race([model.close().catch(() => undefined), sleep(withinMs, undefined, { ref: false })]);
  (model.connection as ConnectionInside).stream?.destroy(new Error('closed'));
}
