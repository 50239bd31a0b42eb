import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { NOW } from './figures.ts';
import { CRASHED } from './letters.ts';
import { serveGallery } from './serve.ts';

/**
 * Takes the pictures of docs/dashboard.md again: `npm run pictures`. With a folder, `npm run pictures -- FOLDER`, it takes one of
 * every page at 1280, 768 and 375 px in both themes instead.
 */
const folder = process.argv[2];
const LETTERS = 'queues/pdf/dead?task=invoice.pdf&group=Error%3A%20renderer%20said%20502%20for%20order%20%23';
const MESSAGE = 'queues/pdf/message/Xc7pKu3yb7';
const PLACES: Readonly<Record<string, string>> = {
  ...{ overview: 'overview', queues: 'queues', ready: 'queues/pdf/ready', delayed: 'queues/pdf/delayed' },
  ...{ running: 'queues/pdf/running', letters: LETTERS, message: MESSAGE, tasks: 'tasks', workers: 'workers' },
  ...{ dead: 'dead', schedules: 'schedules', bulk: 'bulk', find: 'find', crashed: `queues/pdf/message/${CRASHED}` },
};
const DOCS = join(import.meta.dirname, '..', '..', '..', 'docs', 'images');

const gallery = await serveGallery();
// The sandbox of Chromium does not start for root, as in containers.
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  await (folder === undefined ? picturesOfDocs() : picturesOfAll(folder));
} finally {
  await browser.close();
  await gallery.close();
}

async function picturesOfDocs(): Promise<void> {
  const viewport = { width: 1280, height: 900 };
  await take('overview', { viewport }, (page) => save(page, 'overview'));
  await take(LETTERS, { viewport }, async (page) => {
    for (const row of [0, 1, 3]) await page.locator('tbody .pick input').nth(row).check();
    await save(page, 'dead');
  });
  await take(MESSAGE, { viewport }, (page) => save(page, 'message'));
  const phone = { viewport: { width: 375, height: 812 }, colorScheme: 'dark', deviceScaleFactor: 2 } as const;
  await take('overview', phone, (page) => save(page, 'phone'));
}

async function save(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(DOCS, `dashboard-${name}.png`) });
}

async function picturesOfAll(into: string): Promise<void> {
  mkdirSync(into, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 768, 375]) {
      for (const [name, place] of Object.entries(PLACES)) {
        await take(place, { viewport: { width, height: 900 }, colorScheme }, async (page) => {
          await page.screenshot({ path: join(into, `${name}-${colorScheme}${width}.png`), fullPage: true });
        });
      }
    }
  }
}

async function take(place: string, options: BrowserContextOptions, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  await page.goto(`${gallery.url}#/prod/${place}`);
  await page.locator('main h1').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  for (const pending of ['main .loading', 'main .charts:empty']) {
    await page.locator(pending).first().waitFor({ state: 'detached' });
  }
  await use(page);
  await context.close();
}
