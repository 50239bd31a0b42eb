import type { Dashboard } from '@brokkr/dashboard';
import express, { type Express } from 'express';

/** An Express application with the dashboard. Nest, which is based on Express, has the same `app.use`. */
export function onExpress(dashboard: Dashboard): Express {
  const app = express();
  app.use(express.json());
  app.get('/', (_request, response) => void response.send('the shop'));
  app.use('/admin/tasks', dashboard.node);
  return app;
}
