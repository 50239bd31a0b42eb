import type { Dashboard } from '@brokkr/dashboard';
import express, { type Express } from 'express';

/** An Express application with the dashboard. A body parser before it does no harm. */
export function onExpress(dashboard: Dashboard): Express {
  const app = express();
  app.use(express.json());
  app.get('/', (_request, response) => void response.send('the shop'));
  app.use('/admin/tasks', dashboard.node);
  return app;
}
