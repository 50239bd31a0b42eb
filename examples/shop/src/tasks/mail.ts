import { currentTask } from '@brokkr/core';
import { createTransport } from 'nodemailer';
import { type Customer, customers } from '../customers.ts';
import { shop } from '../shop.ts';
import { tm } from './manager.ts';

/** If the mail server is unreachable for a moment, the mail is retried. */
export const sendWelcomeEmail = tm.conditionalTask(
  { queueName: 'emails', maxRetries: 3, retryDelay: '200ms', timeout: '10s' },
  async function sendWelcomeEmail(userId: string): Promise<void> {
    const user = customers.get(userId);
    if (user === undefined) return;
    await deliver(user, `Welcome, ${user.name}`, `Hello ${user.name}, good to have you here.`);
  },
);

/** Someone waits for this mail in front of a screen: it overtakes the welcome mails that are in line. */
export const sendResetLink = tm.conditionalTask(
  { queueName: 'emails', maxRetries: 3, retryDelay: '200ms', timeout: '10s', priorities: true },
  async function sendResetLink(userId: string, link: string): Promise<void> {
    const user = customers.get(userId);
    if (user !== undefined) await deliver(user, 'Your new password', `Choose a new password: ${link}`);
  },
);

async function deliver(user: Customer, subject: string, text: string): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port: shop.smtpPort, secure: false, ignoreTLS: true });
  try {
    await transport.sendMail({ from: 'shop@shop.example', to: user.email, subject, text });
  } finally {
    transport.close();
  }
  currentTask().logger.debug({ to: user.email, subject }, 'mail delivered');
}
