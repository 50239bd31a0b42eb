import type { Dashboard } from '@brokkr/dashboard';
import { Hono } from 'hono';

/** A Hono application with the dashboard. The same works with every server of web-standard requests. */
export function onHono(dashboard: Dashboard): Hono {
  const app = new Hono();
  app.get('/', (context) => context.text('the shop'));
  app.all('/admin/tasks/*', (context) => dashboard.fetch(context.req.raw));
  return app;
}
