import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { BrokerHost } from '@brokkr/core/adapter';
import type { AmqpTarget } from './amqp-url.ts';

const PROTOCOL_HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1');
const METHOD_FRAME = 1;
const FRAME_END = 0xce;
const FRAME_HEADER_BYTES = 7;
/** Bytes of all frames of a greeting: a server that sends more speaks something else. */
const MOST_BYTES = 65_536;

/** Methods of class `connection` (AMQP 0-9-1, section 1.4), as class × 65,536 + method. */
const START = 0x000a_000a;
const START_OK = 0x000a_000b;
const TUNE = 0x000a_001e;
const TUNE_OK = 0x000a_001f;
const OPEN = 0x000a_0028;
const CLOSE = 0x000a_0032;

/**
 * Greets the server once more, and returns the text with which it refuses to open the virtual host, for example that a
 * limit of connections is reached. amqplib reports only that the answer was unexpected.
 *
 * @returns undefined if the server does not refuse this time
 */
export function refusalReason(
  target: AmqpTarget,
  { host, port }: BrokerHost,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { tls, vhost, connectTimeoutMs } = target;
  return new Promise((resolve, reject) => {
    const socket: Socket = tls === undefined ? connectPlain({ host, port }) : connectTls({ host, port, ...tls });
    const end = (reason?: string) => {
      signal.removeEventListener('abort', stop);
      socket.destroy();
      resolve(reason);
    };
    const stop = () => end();
    signal.addEventListener('abort', stop, { once: true });
    socket.setTimeout(connectTimeoutMs, stop);
    socket.on('error', reject);
    socket.on('close', stop);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => socket.write(PROTOCOL_HEADER));
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      for (let frame = takeFrame(received); frame !== undefined; frame = takeFrame(received)) {
        received = frame.rest;
        if (frame.method === START) socket.write(methodFrame(START_OK, startOk(target)));
        else if (frame.method === TUNE) {
          socket.write(methodFrame(TUNE_OK, frame.args.subarray(0, 8)));
          socket.write(methodFrame(OPEN, Buffer.concat([shortString(vhost), shortString(''), Buffer.alloc(1)])));
        } else return end(frame.method === CLOSE ? replyText(frame.args) : undefined);
      }
      if (received.byteLength > MOST_BYTES) end();
    });
  });
}

/** The first method frame of `bytes`, if all of it is there. */
function takeFrame(bytes: Buffer): { method: number; args: Buffer; rest: Buffer } | undefined {
  if (bytes.byteLength < FRAME_HEADER_BYTES + 4) return undefined;
  const end = FRAME_HEADER_BYTES + bytes.readUInt32BE(3);
  if (bytes.byteLength <= end) return undefined;
  const method = bytes.readUInt32BE(FRAME_HEADER_BYTES);
  return { method, args: bytes.subarray(FRAME_HEADER_BYTES + 4, end), rest: bytes.subarray(end + 1) };
}

/** A reply code, then a short string. */
function replyText(args: Buffer): string {
  return args.toString('utf8', 3, 3 + (args[2] ?? 0));
}

function startOk({ username, password }: AmqpTarget): Buffer {
  const noProperties = Buffer.alloc(4);
  const login = Buffer.from(`\0${username}\0${password}`);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(login.byteLength);
  return Buffer.concat([noProperties, shortString('PLAIN'), length, login, shortString('en_US')]);
}

function shortString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.byteLength]), bytes]);
}

function methodFrame(method: number, args: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES + 4);
  header.writeUInt8(METHOD_FRAME, 0);
  header.writeUInt32BE(4 + args.byteLength, 3);
  header.writeUInt32BE(method, FRAME_HEADER_BYTES);
  return Buffer.concat([header, args, Buffer.from([FRAME_END])]);
}
