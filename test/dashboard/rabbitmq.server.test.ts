import { afterAll } from 'vitest';
import { RabbitServer } from '../support/rabbitmq-server.ts';
import { operateCases } from './operate-cases.ts';

const server = await RabbitServer.start();
afterAll(() => server.stop());

operateCases('RabbitMQ', () => server.url);
