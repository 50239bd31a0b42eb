import { randomUUID } from 'node:crypto';
import { createDashboard } from '@brokkr/dashboard';
import { TaskManager } from '@brokkr/core';
import { SchedulerManager } from '@brokkr/scheduler';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openChromium, openPage } from '../support/browser.ts';
import { FAILING, failingSystem, HOPELESS, until } from './failing-system.ts';
import { serve } from './serve.ts';

describe('actions on the page', { timeout: 120_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser.close());

  it('runs a delayed message now, cancels one that waits, and purges the others', async () => {
    const tm = TaskManager.getInstance(`shop-${randomUUID()}`);
    await tm.initialize({ brokerUrl: `memory:${randomUUID()}`, logLevel: 'silent' });
    const mail = tm.task({ name: 'mail', queueName: 'mails' }, async (_to: string) => undefined);
    const dashboard = createDashboard({ managers: { shop: tm }, access: () => 'operate' });
    onTestFinished(async () => {
      await dashboard.close();
      await tm.close();
    });
    const { id } = await mail.with({ delay: '1h' }).send('ada');
    await mail.send('bob');
    await mail.send('eve');
    const counts = () => tm.queue('mails').counts();
    const { page } = await openPage(browser, `${await serve(dashboard)}#/shop/queues/mails/delayed`);

    await page.getByRole('checkbox', { name: `Select ${id}` }).check();
    await page.getByRole('button', { name: 'Run 1 now' }).click();
    await page.getByText('Nothing is delayed').waitFor();
    expect(await counts()).toMatchObject({ ready: 3, delayed: 0 });

    await page.getByRole('link', { name: /^Ready/ }).click();
    await page.getByRole('checkbox', { name: `Select ${id}` }).check();
    await page.getByRole('button', { name: 'Cancel 1…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel 1' }).click();
    await page.getByText('Cancelled 1 message.').waitFor();
    expect(await counts()).toMatchObject({ ready: 2, cancelled: 1 });

    await page.getByRole('button', { name: 'Purge…' }).click();
    await page.getByRole('dialog').getByLabel('Type the queue’s name').fill('mails');
    await page.getByRole('dialog').getByRole('button', { name: 'Purge' }).click();
    await page.getByText('Purged 2 of mails.').waitFor();
    expect(await counts()).toMatchObject({ ready: 0, purged: 2 });
  });

  it('quiets a worker, which then takes nothing, and lets it take messages again', async () => {
    const system = await failingSystem(`memory:${randomUUID()}`);
    system.repair();
    const { page } = await openPage(browser, `${system.url}#/shop/workers`);
    await page.getByRole('button', { name: 'Quiet…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Quiet it' }).click();
    await page.locator('.pill', { hasText: 'Quiet' }).waitFor();
    await system.sendInvoice(1);
    await until(async () => (await system.tm.queue(system.pdf).counts()).ready === 1);
    expect(system.rendered).toEqual([]);
    await page.getByRole('button', { name: 'Take again' }).click();
    await until(() => system.rendered.length === 1);
  });

  it('retries one message from its page', async () => {
    const system = await failingSystem(`memory:${randomUUID()}`);
    await system.fail();
    system.repair();
    const { page } = await openPage(browser, `${system.url}#/shop/queues/${system.pdf}/dead`);
    await page.locator('tbody a.mono').first().click();
    await page.getByRole('button', { name: 'Retry', exact: true }).click();
    await page.getByText('Retried 1 message.').waitFor();
    await until(() => system.rendered.length === 1);
  });

  it('retries the letters that it has counted, and leaves those alone that died since', async () => {
    const system = await failingSystem(`memory:${randomUUID()}`);
    await system.fail();
    const { page } = await openPage(browser, `${system.url}#/shop/queues/${system.pdf}/dead`);
    const counted = FAILING + HOPELESS;
    await page.getByRole('button', { name: `Retry ${counted}…` }).click();
    await system.fail();
    expect((await system.tm.queue(system.pdf).counts()).dead).toBe(2 * counted);
    system.repair();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: `Retry ${counted}` }).click();
    await dialog.waitFor({ state: 'detached' });
    await until(() => system.rendered.length === counted);
    expect((await system.tm.queue(system.pdf).counts()).dead).toBe(counted);
  });

  it('pauses a schedule, runs it now, and resumes it', async () => {
    const tm = TaskManager.getInstance(`shop-${randomUUID()}`);
    await tm.initialize({ brokerUrl: `memory:${randomUUID()}`, logLevel: 'silent' });
    const report = tm.task({ name: 'report', queueName: 'reports' }, async (_kind: string) => undefined);
    const scheduler = SchedulerManager.getInstance(`schedules-${randomUUID()}`);
    scheduler.addJob({
      id: 'nightly',
      func: report.send,
      args: ['daily'],
      trigger: 'cron',
      hour: 2,
      timezone: 'Asia/Tokyo',
    });
    const dashboard = createDashboard({ managers: { shop: tm }, schedulers: scheduler, access: () => 'operate' });
    onTestFinished(async () => {
      await dashboard.close();
      await tm.close();
    });
    const { page } = await openPage(browser, `${await serve(dashboard)}#/shop/schedules`);
    await page.getByText(/, 02:00 Asia\/Tokyo/).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.locator('.pill.paused').waitFor();
    await page.getByRole('button', { name: 'Run now…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
    await page.getByText('Sent report.').waitFor();
    expect((await tm.queue('reports').counts()).ready).toBe(1);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.locator('.pill.paused').waitFor({ state: 'detached' });
  });
});
