import { injectable } from 'inversify';

/** Keeps what it was told to send; a real one would talk to a mail server. */
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
