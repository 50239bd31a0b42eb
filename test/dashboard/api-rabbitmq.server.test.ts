import { afterAll, beforeAll, describe } from 'vitest';
import { RabbitServer } from '../support/rabbitmq-server.ts';
import { apiCases } from './api-cases.ts';
import { besidePagesCase } from './beside-pages-case.ts';
import { killedCase } from './killed-cases.ts';

let server: RabbitServer;
beforeAll(async () => {
  server = await RabbitServer.start();
}, 90_000);
afterAll(() => server.stop());

describe('the API of the dashboard on RabbitMQ', () => apiCases(() => server.url, false));

describe('brokkr dashboard on RabbitMQ', () => {
  killedCase(() => server.url, { letters: 3_000, mayDouble: true });
  besidePagesCase(() => server.url);
});
