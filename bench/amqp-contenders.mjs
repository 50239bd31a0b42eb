import { randomUUID } from 'node:crypto';
import { TaskManager } from '@brokkr/core';
import { connect } from 'amqplib';
import pino from 'pino';
import { payload } from './contenders.mjs';

/** At level info, as by default, and written to nowhere, so that the screen shows only the figures. */
const quiet = pino({ level: 'info' }, { write: () => undefined });
const BULK = 1_000;
const QUORUM = { 'x-queue-type': 'quorum' };

async function manager(url) {
  const tm = TaskManager.getInstance(`bench-${Math.random()}`);
  await tm.initialize({ brokerUrl: url, logger: quiet });
  return tm;
}

/** Resolves `all` when `one` was called `count` times. */
function counter(count, onFirst) {
  let seen = 0;
  let end;
  const all = new Promise((resolve) => {
    end = resolve;
  });
  const one = () => {
    if (++seen === 1) onFirst?.();
    if (seen === count) end();
  };
  return { all, one };
}

/** Calls `send` one by one, in as many loops as messages should be in flight. */
async function inFlight(size, count, send) {
  let left = count;
  const loop = async () => {
    while (left-- > 0) await send();
  };
  await Promise.all(Array.from({ length: size }, loop));
}

async function inBulks(count, send) {
  for (let sent = 0; sent < count; sent += BULK) await send(Math.min(BULK, count - sent));
}

/** Each contender publishes to its own durable quorum queue, and consumes from it. */
export function contenders(url, peers) {
  const persistent = () => ({ persistent: true });
  return {
    brokkr: brokkr(url),
    amqplib: amqplib(url, 'raw', persistent),
    'amqplib alike': amqplib(url, 'raw-alike', alike),
    'rabbitmq-client': rabbitmqClient(url, peers),
  };
}

function brokkr(url) {
  return {
    queue: 'brokkr.default',
    async sender() {
      const tm = await manager(url);
      const noop = tm.task({ name: 'noop' }, async (_payload) => {});
      // The connection and the queue exist once for an application: they are not measured.
      await noop.send(payload);
      return {
        send: () => noop.send(payload),
        sendMany: (size) => noop.sendMany(Array.from({ length: size }, () => [payload])),
        close: () => tm.close(),
      };
    },
    async consumer(concurrency, heard) {
      const tm = await manager(url);
      tm.task({ name: 'noop' }, async (_payload) => heard());
      await tm.createWorker({ concurrency }).start();
      return { close: () => tm.close() };
    },
  };
}

/** Properties like those of Brokkr: an id, two headers, and `mandatory`. */
function alike() {
  const headers = { 'brokkr-task': 'noop', 'brokkr-at': String(Date.now()) };
  return { persistent: true, mandatory: true, messageId: randomUUID(), headers };
}

function amqplib(url, queue, options) {
  const content = () => Buffer.from(JSON.stringify(payload));
  const open = async () => {
    const model = await connect(url, { noDelay: true });
    const channel = await model.createConfirmChannel();
    await channel.assertQueue(queue, { durable: true, arguments: QUORUM });
    return { model, channel };
  };
  return {
    queue,
    async sender() {
      const { model, channel } = await open();
      const send = () =>
        new Promise((resolve, reject) => {
          channel.sendToQueue(queue, content(), options(), (error) => (error === null ? resolve() : reject(error)));
        });
      await send();
      return {
        send,
        sendMany: (size) => {
          for (let index = 0; index < size; index++) channel.sendToQueue(queue, content(), options());
          return channel.waitForConfirms();
        },
        close: () => model.close(),
      };
    },
    /** Acknowledges half of the pushed messages in one frame. */
    async consumer(concurrency, heard) {
      const { model, channel } = await open();
      const every = Math.ceil(concurrency / 2);
      let last;
      let handled = 0;
      const acknowledge = () => {
        if (handled > 0) channel.ack(last, true);
        handled = 0;
      };
      const handler = async (_payload) => {};
      await channel.prefetch(concurrency);
      await channel.consume(queue, (message) => {
        void handler(JSON.parse(message.content.toString())).then(() => {
          last = message;
          if (++handled >= every) acknowledge();
          heard();
        });
      });
      return {
        async close() {
          acknowledge();
          await channel.close();
          await model.close();
        },
      };
    },
  };
}

function rabbitmqClient(url, peers) {
  const { Connection } = peers('rabbitmq-client');
  const queue = 'rabbitmq-client';
  const queueOptions = { queue, durable: true, arguments: QUORUM };
  return {
    queue,
    async sender() {
      const connection = new Connection(url.replace('//', '//guest:guest@'));
      await connection.queueDeclare(queueOptions);
      const publisher = connection.createPublisher({ confirm: true });
      const send = () => publisher.send({ routingKey: queue, durable: true }, payload);
      await send();
      return {
        send,
        sendMany: (size) => Promise.all(Array.from({ length: size }, send)),
        async close() {
          await publisher.close();
          await connection.close();
        },
      };
    },
    async consumer(concurrency, heard) {
      const connection = new Connection(url.replace('//', '//guest:guest@'));
      const consumer = connection.createConsumer(
        { queue, queueOptions, qos: { prefetchCount: concurrency }, concurrency },
        async () => heard(),
      );
      return {
        async close() {
          await consumer.close();
          await connection.close();
        },
      };
    },
  };
}

/** Ways to publish `count` messages. */
export const publishing = {
  'publish, 100 in flight': (sender, count) => inFlight(100, count, sender.send),
  'publish, 1000 in flight': (sender, count) => inFlight(1_000, count, sender.send),
  'publish, bulks of 1000': (sender, count) => inBulks(count, sender.sendMany),
};

/** Fills the queue. The returned function consumes it, and reports when the first message has arrived. */
export async function drain(contender, count, concurrency) {
  const sender = await contender.sender();
  // A sender has already sent one.
  await inBulks(count - 1, sender.sendMany);
  await sender.close();
  return async (onFirst) => {
    const { all, one } = counter(count, onFirst);
    const consumer = await contender.consumer(concurrency, one);
    await all;
    await consumer.close();
  };
}

/** Opens both ends. The returned function sends with 100 in flight, while 100 are consumed concurrently. */
export async function endToEnd(contender, count) {
  const { all, one } = counter(count + 1);
  const sender = await contender.sender();
  const consumer = await contender.consumer(100, one);
  return async () => {
    await Promise.all([inFlight(100, count, sender.send), all]);
    await Promise.all([sender.close(), consumer.close()]);
  };
}

/** Measures the time from a send to its handler on an idle queue, `count` times, in milliseconds. */
export async function latencies(contender, count) {
  let hear;
  const first = new Promise((resolve) => {
    hear = resolve;
  });
  const sender = await contender.sender();
  const consumer = await contender.consumer(1, () => hear());
  await first;
  const all = [];
  for (let round = 0; round < count; round++) {
    await new Promise((resolve) => setTimeout(resolve, 3));
    const started = new Promise((resolve) => {
      hear = resolve;
    });
    const sentAt = performance.now();
    const sent = sender.send();
    await started;
    all.push(performance.now() - sentAt);
    await sent;
  }
  await Promise.all([sender.close(), consumer.close()]);
  return all;
}

/** Measures how late each of `count` tasks starts that are due evenly over `spanMs`, in milliseconds. */
export async function lateness(url, count, spanMs) {
  const tm = await manager(url);
  let late = [];
  let told;
  const due = tm.task({ name: 'due' }, async (at) => {
    late.push(Date.now() - at);
    told.one();
  });
  await tm.createWorker({ concurrency: 100 }).start();
  // The first messages that need the rungs of the ladder declare them: a few are sent before the measurement.
  for (const size of [count / 50, count]) {
    late = [];
    told = counter(size);
    const from = Date.now() + spanMs;
    await Promise.all(
      Array.from({ length: size }, (_, index) => {
        const at = Math.round(from + (index * spanMs) / size);
        return due.with({ eta: new Date(at) }).send(at);
      }),
    );
    await told.all;
  }
  await tm.close();
  return late;
}
