import { randomUUID } from 'node:crypto';
import { currentTask, PermanentError, TaskManager } from '@brokkr/core';
import { createDashboard, type DashboardOptions } from '@brokkr/dashboard';
import { onTestFinished } from 'vitest';
import { serve } from './serve.ts';

/** Orders whose renderer answers 502, and orders that can never succeed. */
export const FAILING = 24;
export const HOPELESS = 2;

/** An application with a worker, and its dashboard. */
export interface FailingSystem {
  readonly url: string;
  readonly tm: TaskManager;
  /** Queue of the invoices, and of the imports. Their names are unique: tests may share a server. */
  readonly pdf: string;
  readonly imports: string;
  /** Orders that were rendered, in order. */
  readonly rendered: readonly number[];
  /** Reasons for which running imports were aborted. */
  readonly aborted: readonly unknown[];
  readonly sendInvoice: (order: number) => Promise<unknown>;
  readonly sendImport: () => Promise<string>;
  /** From now on invoices succeed. */
  readonly repair: () => void;
  /** Sends 26 invoices; resolves when all of them are dead letters. */
  readonly fail: () => Promise<void>;
}

/** Starts the application on a broker, and serves its dashboard until the test ends. */
export async function failingSystem(
  brokerUrl: string,
  options: Partial<DashboardOptions> = {},
): Promise<FailingSystem> {
  const tm = TaskManager.getInstance(`shop-${randomUUID()}`);
  await tm.initialize({ brokerUrl, logLevel: 'silent' });
  const suffix = randomUUID().slice(0, 8);
  const pdf = `pdf-${suffix}`;
  const imports = `imports-${suffix}`;
  const rendered: number[] = [];
  const aborted: unknown[] = [];
  let isBroken = true;
  let died = 0;
  const invoice = tm.task({ name: 'invoice.pdf', queueName: pdf, maxRetries: 0 }, async (order: number) => {
    if (isBroken && order % 13 === 12) throw new PermanentError(`order ${order} has no address`);
    if (isBroken) throw new Error(`renderer said 502 for order ${order}`);
    rendered.push(order);
  });
  const importing = tm.task({ name: 'import.csv', queueName: imports, maxRetries: 0 }, async () => {
    const { signal } = currentTask();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    aborted.push(signal.reason);
    throw signal.reason;
  });
  const worker = tm.createWorker({ queues: [pdf, imports], concurrency: 4 });
  worker.on('dead', () => {
    died += 1;
  });
  await worker.start();
  const dashboard = createDashboard({ managers: { shop: tm }, access: () => 'operate', ...options });
  onTestFinished(async () => {
    await dashboard.close();
    await tm.close();
  });
  const sendInvoice = (order: number) => invoice.send(order);
  return {
    url: await serve(dashboard),
    tm,
    pdf,
    imports,
    rendered,
    aborted,
    sendInvoice,
    sendImport: async () => (await importing.send()).id,
    repair: () => {
      isBroken = false;
    },
    fail: async () => {
      const before = died;
      for (let order = 0; order < FAILING + HOPELESS; order++) await sendInvoice(order);
      await until(() => died - before === FAILING + HOPELESS);
    },
  };
}

/** Waits for a condition of this process. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not so within ${timeoutMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
