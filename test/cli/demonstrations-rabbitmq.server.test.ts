import { afterAll, beforeAll, describe } from 'vitest';
import { RabbitServer } from '../support/rabbitmq-server.ts';
import { demonstrate } from './demonstrations.ts';

let rabbit: RabbitServer | undefined;
beforeAll(async () => {
  rabbit = await RabbitServer.start();
}, 90_000);
afterAll(() => rabbit?.stop());

describe('worker processes on RabbitMQ', () => {
  demonstrate({ url: () => rabbit?.url ?? '', countsCancelled: false });
});
