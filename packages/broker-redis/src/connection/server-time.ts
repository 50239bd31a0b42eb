import { type Client, isCluster } from './connect.ts';

/** Asks Redis for its time, epoch milliseconds. On a cluster it asks any primary. */
export async function serverTime(client: Client): Promise<number> {
  const node = isCluster(client) ? (client.nodes('master')[0] ?? client) : client;
  const [seconds, microseconds] = await node.time();
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
}
