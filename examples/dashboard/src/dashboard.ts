import { basicAuth, createDashboard, type Dashboard } from '@brokkr/dashboard';
import { tm } from './tasks.ts';

/** The dashboard of the application. Read the password from a secret store. */
export function makeDashboard(password: string): Dashboard {
  return createDashboard({ managers: { shop: tm }, access: basicAuth({ user: 'ada', password }) });
}
