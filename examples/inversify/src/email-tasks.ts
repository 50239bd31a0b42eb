import { task } from '@brokkr/core/inversify';
import { inject, injectable } from 'inversify';
import { EmailService, Outbox, UserStore } from './services.ts';

/** A new instance for each attempt, with its services. */
@injectable()
export class EmailTasks {
  readonly #email: EmailService;
  readonly #users: UserStore;

  constructor(@inject(EmailService) email: EmailService, @inject(UserStore) users: UserStore) {
    this.#email = email;
    this.#users = users;
  }

  @task({ name: 'emails.welcome', queueName: 'emails', maxRetries: 3 })
  async sendWelcome(userId: string): Promise<void> {
    await this.#email.send(await this.#users.emailOf(userId), 'Welcome');
  }

  @task({ name: 'emails.goodbye', queueName: 'emails' })
  async sendGoodbye(userId: string): Promise<void> {
    await this.#email.send(await this.#users.emailOf(userId), 'Goodbye');
  }
}

/** An instance in the container of its attempt, so that its services know the attempt. */
@injectable()
export class NewsletterTasks {
  readonly #outbox: Outbox;

  constructor(@inject(Outbox) outbox: Outbox) {
    this.#outbox = outbox;
  }

  @task({ name: 'newsletter.send', queueName: 'emails', childContainer: true })
  async send(subject: string): Promise<void> {
    await this.#outbox.send(subject);
  }
}
