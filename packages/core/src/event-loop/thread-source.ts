/**
 * What a `LoopGuard` runs in its thread. As text, since a thread needs a file of its own otherwise, which bundlers leave
 * out. It watches a counter that the event loop moves. When the counter stands still, it opens the adapter's module and
 * calls `renew` until the counter moves again.
 */
export const THREAD_SOURCE = `
'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const { beats, limit, module, data, afterMs, everyMs, turnMs } = workerData;
const messages = [];
let seen, since, opening, renewedAt = -Infinity, reported = false;

parentPort.on('message', (message) => messages.push(message));

function now() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

function report(error) {
  // Try again at the next turn.
  renewedAt = -Infinity;
  if (reported) return;
  reported = true;
  parentPort.postMessage(error instanceof Error ? error : new Error(String(error)));
}

function isBlocked() {
  return Atomics.load(beats, 0) === seen;
}

async function open() {
  const { open } = await import(module);
  return open({ ...data, messages, isBlocked });
}

async function turn() {
  const at = now();
  if (!isBlocked()) {
    seen = Atomics.load(beats, 0);
    since = at;
    renewedAt = -Infinity;
    if (opening !== undefined) {
      const ending = opening;
      opening = undefined;
      reported = false;
      (await ending).close();
    }
    return;
  }
  // The handler that blocks is past its time, and may be stuck: it must lose its lease.
  if (limit[0] > 0 && limit[0] <= at) return;
  if (at - since < afterMs || at - renewedAt < everyMs) return;
  renewedAt = at;
  opening ??= open().catch((error) => {
    opening = undefined;
    throw error;
  });
  await (await opening).renew(at);
}

setInterval(() => turn().catch(report), turnMs);
`;
