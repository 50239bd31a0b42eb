import { ConfigError } from '@brokkr/core/adapter';
import { checkClient, type Client, connectLike, connectTo } from './connect.ts';
import { parseRedisUrl } from './redis-url.ts';
import { addressOf, addressOfClient } from './server-address.ts';

/** A server, and how to connect to it. */
export interface Server {
  /** For errors: `127.0.0.1:6379`. Without login. */
  readonly address: string;
  readonly connect: () => Client;
  /** Start although the server may evict keys, and with them messages. */
  readonly allowEviction: boolean;
}

/**
 * The server of a URL, or of an application's client.
 * @throws ConfigError if there is neither (`BROKER_URL_INVALID`), or one of them is invalid
 */
export function serverOf(url: string | undefined, client: Client | undefined): Server {
  if (client !== undefined) {
    checkClient(client);
    return {
      address: addressOfClient(client),
      connect: () => connectLike(client),
      allowEviction: url !== undefined && parseRedisUrl(url).allowEviction,
    };
  }
  if (url === undefined) {
    throw new ConfigError('new RedisBroker: give a url or a client', { code: 'BROKER_URL_INVALID' });
  }
  const target = parseRedisUrl(url);
  return {
    address: addressOf(target),
    connect: () => connectTo(target),
    allowEviction: target.allowEviction,
  };
}
