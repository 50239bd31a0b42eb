export { AmqpBroker, type AmqpBrokerOptions } from './amqp-broker.ts';
export { createBroker } from './create-broker.ts';
