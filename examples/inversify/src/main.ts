import { EventEmitter, once } from 'node:events';
import { brokkrModule, TASK_MANAGER, tasksOf, WORKER } from '@brokkr/core/inversify';
import { Container } from 'inversify';
import { EmailTasks, NewsletterTasks } from './email-tasks.ts';
import { EmailService, Outbox, UserStore } from './services.ts';

const container = new Container();
container.bind(EmailService).toSelf().inSingletonScope();
container.bind(UserStore).toSelf().inSingletonScope();
container.bind(Outbox).toSelf().inRequestScope();
container.load(
  brokkrModule({
    tasks: [EmailTasks, NewsletterTasks],
    worker: { queues: ['emails'] },
    childContainer: () => new Container({ parent: container }),
  }),
);

const worker = container.get(WORKER);
const told = new EventEmitter();
worker.on('succeeded', () => told.emit('succeeded'));
await worker.start();

const emails = tasksOf(EmailTasks);
const newsletter = tasksOf(NewsletterTasks).send.with({ headers: { to: 'grace@shop.example' } });
for (const send of [
  () => emails.sendWelcome.send('ada'),
  () => emails.sendGoodbye.send('alan'),
  () => newsletter.send('News'),
]) {
  const succeeded = once(told, 'succeeded');
  await send();
  await succeeded;
}
await container.get(TASK_MANAGER).close();
console.log(container.get(EmailService).outbox.join('\n'));
