import type { Envelope } from '@brokkr/core/adapter';
import { Command } from 'ioredis';
import type { Client } from './connect.ts';
import { headLine } from '../envelope-codec.ts';
import type { Reply } from '../scripts/script.ts';

const CARRIAGE_RETURN = 0x0d;
const NEWLINE = 0x0a;

/**
 * A script call whose last arguments are pairs of id and message. `script` is its text or its digest, as the command
 * `name` (EVAL, EVALSHA) needs it.
 */
export function callWithMessages(
  client: Client,
  name: string,
  script: string,
  key: string,
  messages: readonly Envelope[],
): Promise<Reply> {
  const command = new PackedCall(name, [script, '1', key], messages, client.options.keyPrefix);
  client.sendCommand(command);
  return command.promise as Promise<Reply>;
}

/**
 * Writes the whole call into one buffer. The client would create a buffer for each message, measure it and copy it
 * again. The client sees only the first arguments, and finds the key (and thereby the node of a cluster) among them.
 */
class PackedCall extends Command {
  readonly #messages: readonly Envelope[];

  constructor(name: string, args: string[], messages: readonly Envelope[], keyPrefix: string | undefined) {
    super(name, args, { replyEncoding: null, ...(keyPrefix !== undefined && { keyPrefix }) });
    this.#messages = messages;
  }

  override toWritable(): Buffer {
    const messages = this.#messages;
    let start = `*${1 + this.args.length + 2 * messages.length}\r\n`;
    for (const arg of [this.name, ...(this.args as string[])]) start += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
    const heads: string[] = [];
    let size = Buffer.byteLength(start);
    for (const message of messages) {
      const line = headLine(message);
      const length = Buffer.byteLength(line) + message.body.byteLength;
      const head = `$${Buffer.byteLength(message.id)}\r\n${message.id}\r\n$${length}\r\n${line}`;
      heads.push(head);
      size += Buffer.byteLength(head) + message.body.byteLength + 2;
    }
    const bytes = Buffer.allocUnsafe(size);
    let end = bytes.write(start);
    for (let at = 0; at < messages.length; at++) {
      const { body } = messages[at] as Envelope;
      end += bytes.write(heads[at] as string, end);
      bytes.set(body, end);
      end += body.byteLength;
      bytes[end++] = CARRIAGE_RETURN;
      bytes[end++] = NEWLINE;
    }
    return bytes;
  }
}
