import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { connect } from 'amqplib';
import { payload } from './contenders.mjs';
const { createJiti } = createRequire(import.meta.resolve('@brokkr/cli'))('jiti');
const { RabbitServer } = await createJiti(import.meta.url).import('../test/support/rabbitmq-server.ts');
const server = await RabbitServer.start();
const pid = Number(/\d+/.exec(await server.control('eval', 'os:getpid().'))[0]);
const ticks = () => {
  const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(f[11]) + Number(f[12])) / 100;
};
const id = () => randomUUID();
const at = () => String(Date.now());
const variants = {
  bare: () => ({ persistent: true }),
  mandatory: () => ({ persistent: true, mandatory: true }),
  id: () => ({ persistent: true, messageId: id() }),
  'id mand': () => ({ persistent: true, mandatory: true, messageId: id() }),
  'id type': () => ({ persistent: true, messageId: id(), type: 'noop' }),
  'id type ts mand': () => ({
    persistent: true,
    mandatory: true,
    messageId: id(),
    type: 'noop',
    timestamp: Date.now(),
  }),
  '1 header id mand': () => ({
    persistent: true,
    mandatory: true,
    messageId: id(),
    headers: { 'brokkr-task': 'noop' },
  }),
  '2 headers id mand': () => ({
    persistent: true,
    mandatory: true,
    messageId: id(),
    headers: { 'brokkr-task': 'noop', 'brokkr-at': at() },
  }),
};
const N = Number(process.env.COUNT ?? 3000),
  R = Number(process.env.R ?? 15),
  F = Number(process.env.F ?? 100);
try {
  const model = await connect(server.url, { noDelay: true });
  const out = {};
  for (const v of Object.keys(variants)) {
    out[v] = { rate: [], c: 0, s: 0 };
  }
  const ch = await model.createConfirmChannel();
  for (const v of Object.keys(variants))
    await ch.assertQueue(v, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  for (let r = 0; r <= R; r++)
    for (const [v, o] of Object.entries(variants)) {
      await ch.purgeQueue(v);
      const send = () =>
        new Promise((res, rej) =>
          ch.sendToQueue(v, Buffer.from(JSON.stringify(payload)), o(), (e) => (e === null ? res() : rej(e))),
        );
      const t = performance.now(),
        c = process.cpuUsage(),
        s = ticks();
      let left = N;
      await Promise.all(
        Array.from({ length: F }, async () => {
          while (left-- > 0) await send();
        }),
      );
      if (r === 0) continue;
      const u = process.cpuUsage(c);
      out[v].rate.push(N / (performance.now() - t));
      out[v].c += u.user + u.system;
      out[v].s += ticks() - s;
    }
  const med = (a) => a.sort((x, y) => x - y)[a.length >> 1];
  const base = med(out.bare.rate);
  for (const [v, x] of Object.entries(out))
    console.log(
      v.padEnd(20),
      med(x.rate).toFixed(1),
      'k/s',
      (med(x.rate) / base).toFixed(2),
      'client',
      (x.c / N / R).toFixed(1),
      'µs server',
      ((x.s / N / R) * 1e6).toFixed(0),
      'µs',
    );
  await model.close();
} finally {
  await server.stop();
}
