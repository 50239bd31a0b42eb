import type { TaskContext } from '@brokkr/core';
import { TASK_CONTEXT } from '@brokkr/core/inversify';
import { inject, injectable } from 'inversify';

/** Keeps the mails it sends; a real service would use a mail server. */
@injectable()
export class EmailService {
  readonly outbox: string[] = [];

  async send(to: string, subject: string): Promise<void> {
    this.outbox.push(`${to}: ${subject}`);
  }
}

@injectable()
export class UserStore {
  async emailOf(userId: string): Promise<string> {
    return `${userId}@shop.example`;
  }
}

/** Sends to the address in the headers of its message. */
@injectable()
export class Outbox {
  readonly #task: TaskContext;
  readonly #email: EmailService;

  constructor(@inject(TASK_CONTEXT) task: TaskContext, @inject(EmailService) email: EmailService) {
    this.#task = task;
    this.#email = email;
  }

  async send(subject: string): Promise<void> {
    await this.#email.send(this.#task.headers.to ?? 'nobody', subject);
  }
}
