import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

/** Runs in the page, so it is a text: the types of browsers are not those of these tests. */
const REPORT_VIOLATIONS = `document.addEventListener('securitypolicyviolation', (event) =>
  console.error('the policy forbids', event.violatedDirective, event.blockedURI));`;

/** A page, and what went wrong in it: messages of the console, and violations of the content security policy. */
export interface WatchedPage {
  readonly page: Page;
  readonly faults: readonly string[];
}

/** Chromium without a window, as Debian packages it. The caller closes it. */
export function openChromium(): Promise<Browser> {
  // The sandbox of Chromium does not start for root, as in containers.
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}

/** Opens a page with a profile of its own; it is closed when the test ends. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = { viewport: { width: 1280, height: 900 } },
): Promise<WatchedPage> {
  const context = await browser.newContext({ timezoneId: 'Europe/Berlin', ...options });
  onTestFinished(() => context.close());
  await context.addInitScript(REPORT_VIOLATIONS);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults: string[] = [];
  // A refused call is logged by the browser as well; the tests that refuse one look at its answer.
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (401|403|404|409|50\d)/.test(message.text()))
      faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(url);
  return { page, faults };
}
