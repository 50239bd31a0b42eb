import { readdirSync, rmSync } from 'node:fs';
import type { TaskHandle } from '@brokkr/core';
import Table from 'cli-table3';
import { customers } from './customers.ts';
import { openMailbox } from './mailbox.ts';
import { exportOrders, products } from './orders.ts';
import { scheduler } from './schedule.ts';
import { shop } from './shop.ts';
import {
  chargeCustomer,
  generateReport,
  indexProduct,
  renderVideo,
  sendResetLink,
  sendWelcomeEmail,
  shipOrder,
  syncInventory,
  tm,
  writeLetters,
} from './tasks/index.ts';

rmSync(shop.folder, { recursive: true, force: true });
const mailbox = await openMailbox();
shop.smtpPort = mailbox.port;
const ordersFile = exportOrders(5_000);
const userIds = [...customers.keys()];

const worker = tm.createWorker({ queues: { emails: 3, reports: 1, default: 2 }, concurrency: 8 });
const told = { succeeded: 0, retrying: 0, dead: 0 };
const open = new Set<string>();
const counted = new Promise<void>((resolve) => {
  worker.on('succeeded', ({ name }) => {
    if (name === 'countStock') resolve();
  });
});
const finished = new Promise<void>((resolve) => {
  for (const event of ['succeeded', 'dead'] as const) {
    worker.on(event, ({ id }) => {
      if (!open.has(id)) return;
      told[event]++;
      open.delete(id);
      if (open.size === 0) resolve();
    });
  }
});
worker.on('retrying', () => told.retrying++);

// In production a web application does this part, in another process. Here the messages are sent before the worker
// starts, so that every one is known by the time it ends.
const handles: TaskHandle[] = [
  ...(await sendWelcomeEmail.sendMany(userIds.map((userId) => [userId]))),
  await sendResetLink.with({ priority: 'high' }).send('u3', 'https://shop.example/reset/1'),
  ...(await indexProduct.sendMany(products.map((product) => [product]))),
  await generateReport.send('daily', ordersFile),
  await writeLetters.send('sale', userIds),
  await chargeCustomer.send('u1', 'tx-1001', 4_999),
  await chargeCustomer.send('u1', 'tx-1001', 4_999),
  await chargeCustomer.with({ delay: '300ms' }).send('u2', 'tx-1002', 1_250),
  await syncInventory.send('acme'),
  await shipOrder.send('o-404'),
  await renderVideo.send('v-1'),
];
for (const { id } of handles) open.add(id);

await worker.start();
await scheduler.start();
await finished;
await counted;
const scheduled = scheduler.getJobs().length;
await scheduler.stop();
await tm.close();
await mailbox.close();

const files = readdirSync(shop.folder);
const table = new Table({ head: ['what', 'count'], style: { head: [], border: [] } });
table.push(
  ['messages sent', handles.length],
  ['succeeded', told.succeeded],
  ['retried', told.retrying],
  ['dead', told.dead],
  ['jobs scheduled', scheduled],
  ['mails delivered', mailbox.mails.length],
  ['reports written', files.filter((file) => file.endsWith('.pdf')).length],
  ['letters written', files.filter((file) => file.endsWith('.txt')).length],
  ['products indexed', files.filter((file) => file.startsWith('product-')).length],
  ['customers charged', files.filter((file) => file.startsWith('charged-')).length],
);
console.log(table.toString());
