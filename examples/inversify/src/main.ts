import { EventEmitter, once } from 'node:events';
import { brokkrModule, TASK_MANAGER, tasksOf, WORKER } from '@brokkr/core/inversify';
import { Container } from 'inversify';
import { EmailTasks } from './email-tasks.ts';
import { EmailService, UserStore } from './services.ts';

const container = new Container();
container.bind(EmailService).toSelf().inSingletonScope();
container.bind(UserStore).toSelf().inSingletonScope();
container.load(brokkrModule({ tasks: [EmailTasks], worker: { queues: ['emails'] } }));

const worker = container.get(WORKER);
const told = new EventEmitter();
worker.on('succeeded', () => told.emit('succeeded'));
await worker.start();

const emails = tasksOf(EmailTasks);
for (const send of [() => emails.sendWelcome.send('ada'), () => emails.sendGoodbye.send('alan')]) {
  const succeeded = once(told, 'succeeded');
  await send();
  await succeeded;
}
await container.get(TASK_MANAGER).close();
console.log(container.get(EmailService).outbox.join('\n'));
