import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { type TestApp, testApp } from '@brokkr/broker-memory/testing';
import '@brokkr/broker-memory/testing/vitest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Mailbox, openMailbox } from '../src/mailbox.ts';
import { shop } from '../src/shop.ts';
import {
  chargeCustomer,
  generateReport,
  indexProduct,
  renderVideo,
  sendResetLink,
  sendWelcomeEmail,
  shipOrder,
  syncInventory,
} from '../src/tasks/index.ts';

describe('the shop', () => {
  let app: TestApp;
  let mailbox: Mailbox;

  beforeEach(async () => {
    mailbox = await openMailbox();
    shop.smtpPort = mailbox.port;
    shop.folder = mkdtempSync(join(tmpdir(), 'shop-'));
    app = testApp({ tasks: [sendWelcomeEmail] });
  });

  afterEach(async () => {
    await app.close();
    await mailbox.close();
    rmSync(shop.folder, { recursive: true });
  });

  it('delivers a welcome mail', async () => {
    await sendWelcomeEmail.send('u0');
    expect(app).toHaveSent(sendWelcomeEmail, ['u0']);
    await app.drain();
    expect(mailbox.mails).toHaveLength(1);
    expect(mailbox.mails[0]).toContain('Subject: Welcome, Ada');
  });

  it('delivers the mail with a new password before welcome mails that were sent earlier', async () => {
    await app.close();
    app = testApp({ tasks: [sendWelcomeEmail], concurrency: 1 });
    await sendWelcomeEmail.sendMany([['u0'], ['u1'], ['u2']]);
    await sendResetLink.with({ priority: 'high' }).send('u3', 'https://shop.example/reset/1');
    await app.drain();
    expect(mailbox.mails).toHaveLength(4);
    expect(mailbox.mails[0]).toContain('Subject: Your new password');
  });

  it('indexes many products in one call, and a product without a name fails alone', async () => {
    await indexProduct.sendMany([['anvil'], [''], ['chisel']]);
    await app.drain();
    expect(readdirSync(shop.folder)).toEqual(['product-anvil.json', 'product-chisel.json']);
    expect(app.dead('default')).toMatchObject([{ args: [''], reason: 'Error: a product needs a name' }]);
  });

  it('charges the amount of a message in euros, which the old version of the task has sent', async () => {
    const body = Buffer.from(JSON.stringify(['u1', 't2', 12.5]));
    await app.broker.publish([{ id: 'old', queue: 'default', body, headers: { 'brokkr-task': 'chargeCustomer' } }]);
    await app.drain();
    expect(JSON.parse(readFileSync(join(shop.folder, 'charged-t2.json'), 'utf8'))).toEqual({
      userId: 'u1',
      cents: 1_250,
    });
  });

  it('retries a mail while the mail server is unreachable, and gives up in the end', async () => {
    shop.smtpPort = 1;
    await sendWelcomeEmail.send('u0');
    await app.drain();
    expect(app.dead('emails')).toHaveLength(1);
    expect(app.dead('emails')[0]?.attempts).toHaveLength(4);
  });

  it('writes a report with the revenue of each product', async () => {
    const orders = join(shop.folder, 'orders.csv');
    writeFileSync(orders, 'order,product,quantity,price\n1,nails,3,0.50\n2,anvil,2,10.00\n3,nails,1,0.50\n');
    await generateReport('r1', orders);
    expect(linesOf(readFileSync(join(shop.folder, 'r1.pdf')))).toEqual([
      'Revenue by product (r1)',
      'anvil: 1 orders, 20.00 EUR',
      'nails: 2 orders, 2.00 EUR',
    ]);
  });

  it('charges a transaction once, however often it is sent', async () => {
    await chargeCustomer.send('u1', 't1', 100);
    await app.drain();
    await chargeCustomer.send('u1', 't1', 250);
    await app.drain();
    const charged = readFileSync(join(shop.folder, 'charged-t1.json'), 'utf8');
    expect(JSON.parse(charged)).toEqual({ userId: 'u1', cents: 100 });
    expect(app.dead('default')).toHaveLength(0);
  });

  it('dead-letters an order that does not exist without a retry, and a video that takes too long', async () => {
    await shipOrder.send('o-404');
    await renderVideo.send('v-1');
    await app.drain();
    expect(
      app
        .dead('default')
        .map(({ reason }) => reason)
        .sort(),
    ).toEqual([
      'PermanentError: order o-404 does not exist',
      'TaskTimeoutError: task renderVideo ran for longer than its timeout of 300 ms',
    ]);
  });

  it('reaches a slow partner at the third try', async () => {
    const before = app.now();
    await syncInventory.send('acme');
    await app.drain();
    expect(app.dead('default')).toEqual([]);
    expect(app.now().getTime() - before.getTime()).toBe(100 + 200);
  });
});

/** The lines of text in a PDF by pdfkit: compressed streams, and in them `[<hex> kerning <hex> …] TJ` for each line. */
function linesOf(pdf: Buffer): string[] {
  const streams = [...pdf.toString('latin1').matchAll(/FlateDecode[^>]*>>\s*stream\n([\s\S]*?)\nendstream/g)];
  const drawn = streams.map(([, stream = '']) => inflateSync(Buffer.from(stream, 'latin1')).toString('latin1'));
  return [...drawn.join('\n').matchAll(/\[(.*?)\] TJ/g)].map(([, pieces = '']) => {
    const hex = [...pieces.matchAll(/<([0-9a-f]*)>/g)].map(([, piece]) => piece);
    return Buffer.from(hex.join(''), 'hex').toString('latin1').trim();
  });
}
