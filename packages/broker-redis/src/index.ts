export { createBroker } from './create-broker.ts';
export { RedisBroker, type RedisBrokerOptions } from './redis-broker.ts';
