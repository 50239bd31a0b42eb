// An application with many queues, for `brokkr queues` and `brokkr dashboard`: RabbitMQ does not list queues.
import { TaskManager } from '@brokkr/core';

const tm = TaskManager.getInstance();
for (let index = 0; index < Number(process.env.BROKKR_BENCH_QUEUES ?? 1_000); index++) {
  tm.task({ name: `task-${index}`, queueName: `queue-${index}` }, async () => undefined);
}
