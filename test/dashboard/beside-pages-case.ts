import { randomUUID } from 'node:crypto';
import { TaskManager } from '@brokkr/core';
import { createDashboard } from '@brokkr/dashboard';
import { expect, it, onTestFinished } from 'vitest';
import { brokkr } from '../cli/brokkr.ts';

const HEADERS = { 'x-brokkr': '1', 'content-type': 'application/json' };
const LETTERS = 600;
const PAGES = 10;

/** The command line beside open pages. A look takes letters for a moment, so that other programs could miss them. */
export function besidePagesCase(url: () => string): void {
  it('lets `brokkr dead retry ID` find its letter beside ten open pages and their looks', async () => {
    const namespace = `n${randomUUID().slice(0, 8)}`;
    const tm = TaskManager.getInstance(randomUUID());
    await tm.initialize({ brokerUrl: url(), namespace, logLevel: 'silent' });
    tm.task({ name: 'pdf', queueName: 'pdf' }, async () => undefined);
    const dashboard = createDashboard({ managers: { app: tm }, access: () => 'operate' });
    onTestFinished(async () => {
      await dashboard.close();
      await tm.close();
    });
    const letters = Array.from({ length: LETTERS }, (_, index) => ({
      ...{ id: `l-${index}`, queue: 'pdf.dead', body: Buffer.from('[]') },
      headers: { 'brokkr-task': 'pdf', 'brokkr-at': '1', 'brokkr-reason': 'Error: no' },
    }));
    await (await tm.broker()).inspector?.bury?.('pdf', letters);
    const call = (path: string, init: RequestInit = {}) =>
      dashboard.fetch(new Request(`http://localhost/api/v1/${path}`, init));
    for (let page = 0; page < PAGES; page++) {
      const { body } = await call('live?topics=overview,queues,queue:pdf,bulk');
      void body?.pipeTo(new WritableStream()).catch(() => undefined);
    }
    let isOver = false;
    const looking = (async () => {
      const look = { method: 'POST', headers: HEADERS, body: '{"state":"dead"}' };
      while (!isOver) expect((await call('app/queues/pdf/look', look)).status).toBe(200);
    })();
    const ids = ['l-0', 'l-299', 'l-599'];
    for (const id of ids) {
      const run = brokkr(['dead', 'retry', 'pdf', id], { TASK_BROKER_URL: url(), TASK_NAMESPACE: namespace });
      expect(await run.exited, run.errors()).toBe(0);
    }
    isOver = true;
    await looking;
    expect(await tm.queue('pdf').counts()).toMatchObject({ ready: ids.length, dead: LETTERS - ids.length });
  }, 60_000);
}
