import type { Connection } from '../connection/connection.ts';

const NOTHING = Buffer.alloc(0);

/**
 * Returns those of `keys` under which `exchange` routes messages to a queue, in one round trip. RabbitMQ lists neither
 * queues nor bindings, but it returns a message that no queue takes. The messages expire at once.
 * @throws BrokerUnavailableError if the server takes no messages, or does not answer
 */
export async function findRoutedKeys(
  publishing: Connection,
  exchange: string,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set(keys);
  if (keys.length === 0) return found;
  const channel = await publishing.openConfirmChannel();
  channel.on('return', ({ fields }) => found.delete((fields as { readonly routingKey: string }).routingKey));
  try {
    for (const key of keys) channel.publish(exchange, key, NOTHING, { mandatory: true, expiration: 0 });
    await publishing.withTimeout(channel.waitForConfirms());
  } finally {
    void channel.close().catch(() => undefined);
  }
  return found;
}
