// @ts-check
// JavaScript, because a thread of Node 20 cannot load TypeScript when the sources are tested.
import { writeSync } from 'node:fs';

/** AMQP 0-9-1, section 4.2.7: type 8, channel 0, no payload, end. */
const HEARTBEAT = Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xce]);
/** A frame of which the operating system takes only a part must be completed. */
const LONGEST_WRITE_MS = 50;

/**
 * @typedef {object} Data
 * @property {readonly Int32Array[]} sockets
 * @property {{ lock: number, descriptor: number, isWriting: number }} layout
 * @property {readonly Float64Array[]} messages for each subscription, when the last running handler must have ended
 * @property {() => boolean} isBlocked
 */

/**
 * Sends heartbeats for a process whose event loop is blocked.
 * @param {Data} data
 */
export function open({ sockets, layout, messages, isBlocked }) {
  return {
    /** @param {number} now */
    renew(now) {
      if (!messages.some(([until]) => (until ?? 0) > now)) return;
      for (const socket of sockets) {
        if (Atomics.compareExchange(socket, layout.lock, 0, 1) !== 0) continue;
        try {
          const descriptor = socket[layout.descriptor] ?? -1;
          if (descriptor >= 0 && socket[layout.isWriting] === 0 && isBlocked()) beat(descriptor);
        } finally {
          Atomics.store(socket, layout.lock, 0);
          Atomics.notify(socket, layout.lock);
        }
      }
    },
    close() {},
  };
}

/** @param {number} descriptor */
function beat(descriptor) {
  const giveUpAt = performance.now() + LONGEST_WRITE_MS;
  let written = 0;
  do {
    try {
      written += writeSync(descriptor, HEARTBEAT, written);
    } catch (error) {
      // The send buffer is full: the server reads nothing. Any other error: the connection has ended.
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EAGAIN') return;
      if (written === 0) return;
    }
  } while (written < HEARTBEAT.length && performance.now() < giveUpAt);
}
