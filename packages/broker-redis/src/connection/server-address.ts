import { type Client, isCluster } from './connect.ts';
import type { RedisTarget } from './redis-url.ts';

type Host = { readonly host?: string | null | undefined; readonly port?: number | string | null | undefined };

/** Returns the address of a broker URL for errors: `127.0.0.1:6379`. Without login. */
export function addressOf({ kind, hosts, path, master }: RedisTarget): string {
  if (kind === 'unix') return String(path);
  if (kind === 'sentinel') return `${master} (Sentinels ${hosts.map(text).join(', ')})`;
  return hosts.map(text).join(', ');
}

/** Returns the address of an application's client for errors. */
export function addressOfClient(client: Client): string {
  if (isCluster(client))
    return (
      client
        .nodes()
        .map(({ options }) => text(options))
        .join(', ') || 'its cluster nodes'
    );
  const { host, port, path, name, sentinels } = client.options;
  if (sentinels != null) return `${name} (Sentinels ${sentinels.map(text).join(', ')})`;
  return path ?? text({ host, port });
}

function text({ host, port }: Host): string {
  const name = host ?? 'localhost';
  return `${name.includes(':') ? `[${name}]` : name}:${port ?? 6_379}`;
}
