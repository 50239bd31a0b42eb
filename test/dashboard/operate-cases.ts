import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openChromium, openPage } from '../support/browser.ts';
import { FAILING, failingSystem, HOPELESS, until } from './failing-system.ts';

/** A system takes some seconds to start, and workers report each five seconds. */
const TIMEOUT_MS = 120_000;

/** What a person on call does on the page, against one broker. */
export function operateCases(name: string, brokerUrl: () => string): void {
  describe(`the dashboard on ${name}`, { timeout: TIMEOUT_MS }, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await openChromium();
    });
    afterAll(() => browser.close());

    it('finds the letters of one error, and retries 24 of 26', async () => {
      const system = await failingSystem(brokerUrl());
      await system.fail();
      system.repair();
      const { page, faults } = await openPage(browser, `${system.url}#/shop/queues/${system.pdf}/dead`);
      await look(page);
      const group = page.locator('.group', { hasText: 'renderer said' });
      await group.waitFor();
      expect(await group.locator('.count').textContent()).toBe(String(FAILING));
      await group.click();
      await page.getByText(`${FAILING} match`, { exact: true }).first().waitFor();
      await page.getByRole('button', { name: `Retry ${FAILING}…` }).click();
      const dialog = page.getByRole('dialog');
      expect(await dialog.textContent()).toContain('renderer said');
      await dialog.getByRole('button', { name: `Retry ${FAILING}` }).click();
      await page.getByText(`Done: retried ${FAILING} messages of ${system.pdf}`).waitFor();
      await until(() => system.rendered.length === FAILING);
      const left = await system.tm.queue(system.pdf).counts();
      expect(left.dead).toBe(HOPELESS);
      await page.goto(`${system.url}#/shop/bulk`);
      await page.getByText(`Retry ${FAILING} of ${system.pdf}`).waitFor();
      await page.getByText(/^Done in/).waitFor();
      expect(faults).toEqual([]);
    });

    it('pauses a queue, which the worker obeys, and resumes it', async () => {
      const system = await failingSystem(brokerUrl());
      system.repair();
      const { page } = await openPage(browser, `${system.url}#/shop/queues/${system.pdf}`);
      await page.getByRole('button', { name: 'Pause', exact: true }).click();
      await page.locator('.pill.paused').waitFor();
      await until(async () => (await system.tm.workers()).some((worker) => worker.paused.includes(system.pdf)));
      await system.sendInvoice(1);
      await page.getByText('1 of 1 obey').waitFor();
      expect(system.rendered).toEqual([]);
      await page.getByRole('button', { name: 'Resume', exact: true }).click();
      await until(() => system.rendered.length === 1);
      await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
    });

    it('cancels a running task', async () => {
      const system = await failingSystem(brokerUrl());
      const id = await system.sendImport();
      const { page } = await openPage(browser, `${system.url}#/shop/queues/${system.imports}/running`);
      await page.getByRole('checkbox', { name: `Select ${id}` }).check();
      await page.getByRole('button', { name: 'Cancel 1…' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel it' }).click();
      await until(() => system.aborted.length === 1);
      expect(String(system.aborted[0])).toMatch(/cancelled/i);
      await page.getByText('1 selected').waitFor({ state: 'detached' });
      expect((await system.tm.queue(system.imports).counts()).dead ?? 0).toBe(0);
    });

    it('moves a letter to another queue, whose worker runs it', async () => {
      const system = await failingSystem(brokerUrl());
      await system.fail();
      system.repair();
      const { page } = await openPage(browser, `${system.url}#/shop/queues/${system.pdf}/dead`);
      await look(page);
      await page.locator('tbody .pick input').first().check();
      await page.getByRole('button', { name: 'Move…' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('To the queue').fill('new');
      await dialog.getByRole('button', { name: 'Move 1' }).click();
      await dialog.getByRole('button', { name: 'Move to the new queue' }).waitFor();
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Move…' }).click();
      await dialog.locator(`option[value="${system.imports}"]`).waitFor({ state: 'attached' });
      await dialog.getByLabel('To the queue').fill(system.imports);
      await dialog.getByRole('button', { name: 'Move 1' }).click();
      await page.getByText(`Moved 1 message to ${system.imports}.`).waitFor();
      await until(() => system.rendered.length === 1);
      expect((await system.tm.queue(system.pdf).counts()).dead).toBe(FAILING + HOPELESS - 1);
    });

    it('shows no button to users who may only look, and refuses their calls', async () => {
      const system = await failingSystem(brokerUrl(), { access: () => 'read' });
      await system.fail();
      const { page, faults } = await openPage(browser, `${system.url}#/shop/queues`);
      await page.getByRole('link', { name: system.pdf, exact: true }).waitFor();
      await page.getByText('Read-only').waitFor();
      for (const place of ['overview', 'queues', `queues/${system.pdf}/dead`, 'workers', 'dead', 'schedules', 'bulk']) {
        await page.goto(`${system.url}#/shop/${place}`);
        await page.locator('main h1').waitFor();
        const changing = /^(pause|resume|retry|discard|move|purge|cancel|quiet|run now)/i;
        expect(await page.getByRole('button', { name: changing }).count()).toBe(0);
      }
      const status = await page.evaluate(async (queue) => {
        const headers = { 'x-brokkr': '1', 'content-type': 'application/json' };
        const answer = await fetch(`api/v1/shop/queues/${queue}/pause`, { method: 'POST', headers, body: '{}' });
        return answer.status;
      }, system.pdf);
      expect(status).toBe(403);
      expect((await system.tm.queue(system.pdf).isPaused()) as boolean).toBe(false);
      expect(faults).toEqual([]);
    });
  });
}

/** A server that can only deliver shows letters after a look. */
async function look(page: Page): Promise<void> {
  const button = page.getByRole('button', { name: /^Look at the first/ });
  await button.or(page.locator('tbody tr').first()).first().waitFor();
  if (await button.isVisible()) await button.click();
  await page.locator('tbody tr').first().waitFor();
}
