// An application whose tasks use 1,000 queues, for `brokkr queues`: RabbitMQ does not list queues.
import { TaskManager } from '@brokkr/core';

const tm = TaskManager.getInstance();
for (let index = 0; index < 1_000; index++) {
  tm.task({ name: `task-${index}`, queueName: `queue-${index}` }, async () => undefined);
}
