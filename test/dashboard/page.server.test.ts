import { randomUUID } from 'node:crypto';
import { createBroker, openBroker } from '@brokkr/core';
import { createDashboard, tokenLogin } from '@brokkr/dashboard';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openChromium, openPage } from '../support/browser.ts';
import { FAILING, failingSystem, type FailingSystem, HOPELESS, until } from './failing-system.ts';
import { serve, serveProxy } from './serve.ts';

const PAGES = (pdf: string) => [
  'overview',
  'queues',
  `queues/${pdf}/ready`,
  `queues/${pdf}/delayed`,
  `queues/${pdf}/running`,
  `queues/${pdf}/dead`,
  'tasks',
  'workers',
  'dead',
  'schedules',
  'bulk',
  'find',
];

/**
 * Runs in the page: names the parts of a page beyond its right edge. On phones charts are a strip to swipe. An error that is
 * cut off ends with an ellipsis.
 */
const outOfSight = `() =>
  [...document.querySelectorAll('main :is(a, button, select, input, figure, h2)')]
    .filter((each) => !each.closest('.clip') && !(innerWidth < 720 && each.closest('.charts')))
    .filter((each) => each.getBoundingClientRect().right > innerWidth)
    .map((each) => each.outerHTML)
    .join()`;

describe('the page of the dashboard', { timeout: 120_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser.close());

  const failing = async (): Promise<FailingSystem> => {
    const system = await failingSystem(`memory:${randomUUID()}`);
    await system.fail();
    return system;
  };

  /** Opens each page, and the first dead letter; `check` looks at it once it is drawn. */
  async function visit(page: Page, system: FailingSystem, check: (place: string) => Promise<void>): Promise<void> {
    for (const place of PAGES(system.pdf)) {
      await page.goto(`${system.url}#/shop/${place}`);
      await page.locator('main h1').waitFor();
      await page.locator('main .loading').first().waitFor({ state: 'detached' });
      await check(place);
    }
    await page.goto(`${system.url}#/shop/queues/${system.pdf}/dead`);
    await page.locator('tbody a.mono').first().click();
    await page.getByText('What happened').waitFor();
    await check('a message');
  }

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 375],
    ['dark', 375],
  ] as const)('has no serious fault by axe in the %s theme at %d px', async (colorScheme, width) => {
    const system = await failing();
    const viewport = { width, height: 900 };
    const { page, faults } = await openPage(browser, system.url, { viewport, colorScheme });
    const found: string[] = [];
    await visit(page, system, async (place) => {
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate<axe.AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
      for (const { impact, id, nodes } of violations) {
        if (impact === 'serious' || impact === 'critical') {
          found.push(...nodes.map(({ html, failureSummary }) => `${place}: ${id}: ${html} ${failureSummary}`));
        }
      }
    });
    expect(found).toEqual([]);
    expect(faults).toEqual([]);
  });

  it.each([375, 768, 900, 1280])(
    'never scrolls sideways at %d px, and has nothing to click or to read out of sight',
    async (width) => {
      const system = await failing();
      const { page } = await openPage(browser, system.url, { viewport: { width, height: 800 } });
      await visit(page, system, async (place) => {
        const excess = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        expect(`${place}: ${excess}`).toBe(`${place}: 0`);
        // Buttons in the last column must not be out of sight.
        const tables = `Math.max(0, ...[...document.querySelectorAll('.scroll')].map((each) => each.scrollWidth - each.clientWidth))`;
        expect(`${place}: ${await page.evaluate(tables)}`).toBe(`${place}: 0`);
        expect(`${place}: ${await page.evaluate(`(${outOfSight})()`)}`).toBe(`${place}: `);
      });
    },
  );

  it('shows the letters that a link leads to, on a phone without scrolling', async () => {
    const system = await failing();
    const { page } = await openPage(browser, `${system.url}#/shop/dead`, { viewport: { width: 375, height: 740 } });
    await page.locator('tbody td.count a').first().click();
    await page.getByText(`${FAILING} match`, { exact: true }).first().waitFor();
    await until(async () => ((await page.locator('.tabs').boundingBox())?.y ?? 740) < 200);
  });

  it('is operated by keys alone', async () => {
    const system = await failing();
    const { page } = await openPage(browser, `${system.url}#/shop/overview`);
    await page.locator('main h1').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('d');
    await page.getByRole('heading', { name: 'Dead letters' }).waitFor();
    await page.locator('tbody tr').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByText(`${FAILING} match`, { exact: true }).first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('x');
    await page.getByText('2 selected').waitFor();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
    const covered = `document.activeElement.getBoundingClientRect().bottom > document.querySelector('.bulk').getBoundingClientRect().top`;
    expect(await page.evaluate(covered)).toBe(false);
    const tip = page.getByRole('tooltip');
    expect(await tip.textContent()).toMatch(/UTC\+\d.* · .* UTC$/);
    await page.keyboard.press('Escape');
    await tip.waitFor({ state: 'hidden' });
    await page.keyboard.press('/');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('INPUT');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('next and previous row').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  it('discards only after the name of the queue was typed', async () => {
    const system = await failing();
    const { page } = await openPage(browser, `${system.url}#/shop/queues/${system.pdf}/dead`);
    await page.getByRole('button', { name: 'Discard…' }).click();
    const dialog = page.getByRole('dialog');
    const confirm = dialog.getByRole('button', { name: `Discard ${FAILING + HOPELESS}` });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel('Type the queue’s name').fill('pdf');
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel('Type the queue’s name').fill(system.pdf);
    await confirm.click();
    await until(async () => (await system.tm.queue(system.pdf).counts()).dead === 0);
    await page.getByText('Nothing is dead here').waitFor();
  });

  it('keeps filters in the address, so that a link shows the same list', async () => {
    const system = await failing();
    const { page } = await openPage(browser, `${system.url}#/shop/queues/${system.pdf}/dead`);
    await page.locator('.group', { hasText: 'has no address' }).click();
    await page.getByText(`${HOPELESS} match`, { exact: true }).first().waitFor();
    const { page: other } = await openPage(browser, page.url());
    await other.getByText(`${HOPELESS} match`, { exact: true }).first().waitFor();
    await page.goBack();
    await page.getByText(`${FAILING + HOPELESS} shown`).waitFor();
  });

  it('shows hostile messages as text, with characters that would be invisible', async () => {
    const broker = await openBroker(createBroker(`memory:${randomUUID()}`));
    const dashboard = createDashboard({ brokers: { shop: broker }, access: () => 'operate' });
    onTestFinished(async () => {
      await dashboard.close();
      await broker.close();
    });
    const markup = '<img src=x onerror="document.title=1">';
    const headers = { 'brokkr-task': `${markup}\u202Ecod`, 'brokkr-at': String(Date.now()), evil: `\u0000${markup}` };
    const bodies = [
      Buffer.from(JSON.stringify([markup, 'invoice\u202Egpj.exe'])),
      Buffer.from(JSON.stringify(['x'.repeat(1_048_576)])),
      Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    ];
    await broker.publish(bodies.map((body, index) => ({ id: `m${index}`, queue: 'mails', body, headers })));
    const url = await serve(dashboard);
    const { page, faults } = await openPage(browser, `${url}#/shop/queues/mails/ready`);
    await page.getByText(markup).first().waitFor();
    await page.locator('.ctl', { hasText: 'U+202E' }).first().waitFor();
    for (const [id, text] of [
      ['m0', 'U+0000'],
      ['m1', 'cut off at 64 KiB'],
      ['m2', 'are not valid UTF-8'],
    ]) {
      await page.goto(`${url}#/shop/queues/mails/message/${id}`);
      await page
        .getByText(text ?? '')
        .first()
        .waitFor();
    }
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.title()).toContain('Brokkr');
    expect(faults).toEqual([]);
  });

  it.each([
    ['strips', true],
    ['keeps', false],
  ])('works behind a proxy that %s its prefix', async (_, strips) => {
    const system = await failing();
    const url = await serveProxy(system.url, { prefix: '/a/b', strips });
    const { page, faults } = await openPage(browser, `${url}#/shop/queues/${system.pdf}/dead`);
    await page.getByText(`${FAILING + HOPELESS} shown`).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.locator('.pill.paused').waitFor();
    expect(faults).toEqual([]);
  });

  it('polls if the stream does not come through, and says so', async () => {
    const system = await failing();
    const url = await serveProxy(system.url, { prefix: '', strips: true, refuses: (path) => path.includes('/live?') });
    const { page } = await openPage(browser, `${url}#/shop/queues`);
    await page.getByText('Polling', { exact: true }).waitFor();
    await page.getByRole('link', { name: system.pdf, exact: true }).waitFor();
    await page.getByRole('button', { name: 'Polling' }).click();
    await page.getByText('Stopped', { exact: true }).waitFor();
  });

  it('says that a queue is unknown, and stays connected', async () => {
    const system = await failing();
    const { page } = await openPage(browser, `${system.url}#/shop/queues/nothing-here`);
    await page.getByText('There is no such queue').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
  });

  it('exchanges the token of the printed address for a cookie, and drops it from the address', async () => {
    const { token, access } = tokenLogin('test', { who: 'ada', level: 'operate' });
    const system = await failingSystem(`memory:${randomUUID()}`, { access });
    const { page } = await openPage(browser, `${system.url}#t=${token}`);
    await page.getByText('Live', { exact: true }).waitFor();
    expect(page.url()).not.toContain(token);
    await page.reload();
    await page.getByText('Live', { exact: true }).waitFor();
    const { page: other } = await openPage(browser, system.url);
    await other.getByText('Not signed in').waitFor();
    const { page: wrong } = await openPage(browser, `${system.url}#t=${'x'.repeat(32)}`);
    await wrong.getByText('the token in the URL is wrong').waitFor();
  });

  it('says that the connection is lost, and recovers', async () => {
    const system = await failing();
    let isDown = false;
    const url = await serveProxy(system.url, { prefix: '', strips: true, refuses: () => isDown });
    const { page } = await openPage(browser, `${url}#/shop/queues`);
    await page.getByText('Live', { exact: true }).waitFor();
    isDown = true;
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText(/^No connection for/).waitFor();
    isDown = false;
    await page.getByRole('button', { name: /^Try/ }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByText(/^No connection for/).waitFor({ state: 'detached' });
  });
});
