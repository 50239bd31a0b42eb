import { currentTask } from '@brokkr/core';
import { createTransport } from 'nodemailer';
import { customers } from '../customers.ts';
import { shop } from '../shop.ts';
import { tm } from './manager.ts';

/** If the mail server is unreachable for a moment, the mail is retried. */
export const sendWelcomeEmail = tm.conditionalTask(
  { queueName: 'emails', maxRetries: 3, retryDelay: '200ms', timeout: '10s' },
  async function sendWelcomeEmail(userId: string): Promise<void> {
    const user = customers.get(userId);
    if (user === undefined) return;
    const transport = createTransport({ host: '127.0.0.1', port: shop.smtpPort, secure: false, ignoreTLS: true });
    try {
      await transport.sendMail({
        from: 'shop@shop.example',
        to: user.email,
        subject: `Welcome, ${user.name}`,
        text: `Hello ${user.name}, good to have you here.`,
      });
    } finally {
      transport.close();
    }
    currentTask().logger.debug({ to: user.email }, 'welcome mail delivered');
  },
);
