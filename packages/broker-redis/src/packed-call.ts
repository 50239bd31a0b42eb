import { Command } from 'ioredis';
import type { Envelope } from '@brokkr/core';
import type { Client } from './connect.ts';
import type { Reply } from './connection.ts';
import { headLine } from './envelope-codec.ts';

const CARRIAGE_RETURN = 0x0d;
const NEWLINE = 0x0a;
/** Characters that stand around an id and a message. */
const FRAME = 40;
/** Bytes of UTF-8 for a UTF-16 unit, at the most. */
const WIDEST = 3;

/** Pairs of id and message as the protocol writes them: the last arguments of a call. */
export interface PackedArguments {
  readonly count: number;
  readonly bytes: Buffer;
}

/** In one piece of memory, written once: the client would make a buffer of each, measure it and copy it again. */
export function packEnvelopes(envelopes: readonly Envelope[]): PackedArguments {
  const lines = envelopes.map(headLine);
  let most = 0;
  for (let at = 0; at < envelopes.length; at++) {
    const { id, body } = envelopes[at] as Envelope;
    most += (id.length + (lines[at] as string).length) * WIDEST + body.byteLength + FRAME;
  }
  const bytes = Buffer.allocUnsafe(most);
  let end = 0;
  for (let at = 0; at < envelopes.length; at++) {
    const { id, body } = envelopes[at] as Envelope;
    const line = lines[at] as string;
    const size = Buffer.byteLength(line) + body.byteLength;
    end += bytes.write(`$${Buffer.byteLength(id)}\r\n${id}\r\n$${size}\r\n${line}`, end);
    bytes.set(body, end);
    end += body.byteLength;
    bytes[end++] = CARRIAGE_RETURN;
    bytes[end++] = NEWLINE;
  }
  return { count: 2 * envelopes.length, bytes: bytes.subarray(0, end) };
}

/** A script call with such arguments. `script` is its text or its digest, as `name` (EVAL, EVALSHA) wants it. */
export function callPacked(
  client: Client,
  name: string,
  script: string,
  key: string,
  packed: PackedArguments,
): Promise<Reply> {
  const command = new PackedCall(name, [script, '1', key], packed, client.options.keyPrefix);
  client.sendCommand(command);
  return command.promise as Promise<Reply>;
}

/** The client sees the first arguments, and finds the key (and with it the node of a cluster) among them. */
class PackedCall extends Command {
  readonly #packed: PackedArguments;

  constructor(name: string, args: string[], packed: PackedArguments, keyPrefix: string | undefined) {
    super(name, args, { replyEncoding: null, ...(keyPrefix !== undefined && { keyPrefix }) });
    this.#packed = packed;
  }

  override toWritable(): Buffer {
    const { count, bytes } = this.#packed;
    const first = [this.name, ...this.args].map((arg) => `$${Buffer.byteLength(arg as string)}\r\n${arg}\r\n`);
    return Buffer.concat([Buffer.from(`*${first.length + count}\r\n${first.join('')}`), bytes]);
  }
}
