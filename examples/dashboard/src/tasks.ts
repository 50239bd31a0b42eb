import { TaskManager } from '@brokkr/core';

/** The application that the dashboard of the examples shows. */
export const tm = TaskManager.getInstance('dashboard-example');

export const welcome = tm.task(
  { name: 'mail.welcome', queueName: 'emails' },
  async (to: string, _options: { token: string }) => {
    if (!to.includes('@')) throw new Error(`smtp refused the address ${to}`);
  },
);
