export { createBroker } from './create-broker.ts';
export { MemoryBroker, type MemoryBrokerOptions } from './memory-broker.ts';
