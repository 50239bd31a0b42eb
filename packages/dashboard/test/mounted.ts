import { randomUUID } from 'node:crypto';
import { TaskManager } from '@brokkr/core';
import { onTestFinished } from 'vitest';
import { createDashboard, type DashboardOptions } from '../src/index.ts';

/** Headers of a change that a browser sends from the page. */
export const CHANGE = { 'x-brokkr': '1', 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };

/** A manager of this test, closed at its end. */
export async function managerOf(options: Parameters<TaskManager['initialize']>[0] = {}): Promise<TaskManager> {
  const tm = TaskManager.getInstance(`dashboard-${randomUUID()}`);
  await tm.initialize({ brokerUrl: `memory:${randomUUID()}`, logLevel: 'silent', ...options });
  onTestFinished(() => tm.close());
  return tm;
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each test reads the fields of its answer.
  readonly body: any;
  readonly headers: Headers;
}

/** A dashboard of one manager, called `app`, and calls of its API. */
export function mount(tm: TaskManager, options: Partial<DashboardOptions> = {}) {
  const dashboard = createDashboard({ managers: { app: tm }, access: () => 'operate', ...options });
  onTestFinished(() => dashboard.close());
  const answerOf = async (response: Response): Promise<Answer> => {
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  };
  const request = (path: string, init?: RequestInit) =>
    dashboard.fetch(new Request(`http://localhost/admin/api/v1/${path}`, init));
  return {
    dashboard,
    request,
    get: async (path: string, headers: Record<string, string> = {}) => answerOf(await request(path, { headers })),
    post: async (path: string, body: object = {}, headers: Record<string, string> = CHANGE) =>
      answerOf(await request(path, { method: 'POST', headers, body: JSON.stringify(body) })),
  };
}
