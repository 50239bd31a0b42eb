import type { Envelope } from '@brokkr/core/adapter';
import type { Reply, Script } from '../scripts/script.ts';
import type { Client } from './connect.ts';
import { callWithMessages } from './packed-call.ts';

/** Arguments of a script; or messages, which are passed as pairs of id and bytes. */
export type Arguments = readonly (string | Buffer)[] | { readonly messages: readonly Envelope[] };

/**
 * Runs a script by its digest. If the server does not have it (after a restart, a failover, or SCRIPT FLUSH), the text
 * is sent, which the server then keeps.
 */
export function evaluate(
  client: Client,
  script: Script,
  keys: string | readonly string[],
  args: Arguments,
): Promise<Reply> {
  return evaluateAs(client, 'EVALSHA', script.sha, keys, args).catch((error: unknown) => {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return evaluateAs(client, 'EVAL', script.lua, keys, args);
  });
}

function evaluateAs(
  client: Client,
  name: string,
  script: string,
  keys: string | readonly string[],
  args: Arguments,
): Promise<Reply> {
  if (typeof keys !== 'string') {
    return client.callBuffer(name, script, keys.length, ...keys, ...(args as readonly string[])) as Promise<Reply>;
  }
  if ('messages' in args) return callWithMessages(client, name, script, keys, args.messages);
  return client.callBuffer(name, script, 1, keys, ...args) as Promise<Reply>;
}
