import { writeSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { ChannelModel } from 'amqplib';
import { afterEach, expect, it } from 'vitest';
import { SharedSocket, SOCKET_LAYOUT } from '../src/connection/shared-socket.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** A shared socket, and the peer to which it is connected. */
async function open(): Promise<{ socket: Socket; peer: Socket; shared: SharedSocket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[peer]] = (await Promise.all([accepted, once(socket, 'connect')])) as [[Socket], unknown];
  socket.on('error', () => undefined);
  cleanUps.push(
    () => socket.destroy(),
    () => peer.destroy(),
    () => server.close(),
  );
  const shared = new SharedSocket();
  shared.share(() => expect.unreachable('the socket can be shared'));
  shared.adopt({ connection: { stream: socket } } as unknown as ChannelModel);
  return { socket, peer, shared };
}

const field = ({ memory }: SharedSocket, name: keyof typeof SOCKET_LAYOUT) => memory[SOCKET_LAYOUT[name]] ?? Number.NaN;

it('lets another thread write between two writes of the event loop', async () => {
  const { socket, peer, shared } = await open();
  const chunks: Buffer[] = [];
  peer.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write('one ');
  socket.cork();
  socket.write('two ');
  socket.write('three ');
  socket.uncork();
  expect(field(shared, 'isWriting')).toBe(0);
  writeSync(field(shared, 'descriptor'), 'beat ');
  socket.write('four');
  await expect.poll(() => Buffer.concat(chunks).toString()).toBe('one two three beat four');
});

it('is in the middle of a frame until the operating system has taken all bytes', async () => {
  const { socket, peer, shared } = await open();
  peer.pause();
  const bytes = Buffer.alloc(32 * 1024 * 1024);
  const written = new Promise((resolve) => socket.write(bytes, resolve));
  expect(field(shared, 'isWriting')).toBe(1);
  peer.resume();
  await written;
  expect(field(shared, 'isWriting')).toBe(0);
  expect(field(shared, 'lock')).toBe(0);
});

it('gives no file descriptor once the socket is destroyed, and the next one when it is connected again', async () => {
  const { socket, shared } = await open();
  expect(field(shared, 'descriptor')).toBeGreaterThanOrEqual(0);
  socket.destroy();
  expect(field(shared, 'descriptor')).toBe(-1);
  const next = await open();
  shared.adopt({ connection: { stream: next.socket } } as unknown as ChannelModel);
  expect(field(shared, 'descriptor')).toBe(field(next.shared, 'descriptor'));
});

it('goes on writing if a thread was ended while it held the lock', async () => {
  const { socket, peer, shared } = await open();
  shared.memory[SOCKET_LAYOUT.lock] = 1;
  const data = once(peer, 'data');
  socket.write('late');
  expect(String((await data)[0])).toBe('late');
  expect(field(shared, 'lock')).toBe(0);
});

it('reports a stream to which only the event loop can write', () => {
  let refused = 0;
  const shared = new SharedSocket();
  shared.share(() => refused++);
  shared.adopt({ connection: { stream: { write: () => true } } } as unknown as ChannelModel);
  expect([refused, field(shared, 'descriptor')]).toEqual([1, -1]);
});
