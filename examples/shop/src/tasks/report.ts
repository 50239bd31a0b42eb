import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import PdfDocument from 'pdfkit';
import { currentTask } from '@brokkr/core';
import { inFolder } from '../shop.ts';
import { tm } from './manager.ts';

interface Order {
  readonly product: string;
  readonly quantity: string;
  readonly price: string;
}

interface Total {
  orders: number;
  revenue: number;
}

/** Reads every order of a CSV file and writes a PDF with the revenue of each product. */
export const generateReport = tm.conditionalTask(
  { queueName: 'reports', maxRetries: 2, retryDelay: '500ms', timeout: '60s' },
  async function generateReport(reportId: string, ordersFile: string): Promise<void> {
    const { signal } = currentTask();
    const totals = new Map<string, Total>();
    const orders = createReadStream(ordersFile, { signal }).pipe(parse({ columns: true }));
    for await (const order of orders as AsyncIterable<Order>) {
      const total = totals.get(order.product) ?? { orders: 0, revenue: 0 };
      total.orders++;
      total.revenue += Number(order.quantity) * Number(order.price);
      totals.set(order.product, total);
    }
    await writePdf(reportId, totals, signal);
  },
);

async function writePdf(reportId: string, totals: ReadonlyMap<string, Total>, signal: AbortSignal): Promise<void> {
  const document = new PdfDocument({ info: { Title: `Report ${reportId}` } });
  const written = pipeline(document, createWriteStream(inFolder(`${reportId}.pdf`)), { signal });
  document.fontSize(18).text(`Revenue by product (${reportId})`).moveDown().fontSize(11);
  for (const [product, { orders, revenue }] of [...totals].sort(([a], [b]) => a.localeCompare(b))) {
    document.text(`${product}: ${orders} orders, ${revenue.toFixed(2)} EUR`);
  }
  document.end();
  await written;
}
