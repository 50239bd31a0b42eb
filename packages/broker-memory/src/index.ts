export { createBroker } from './create-broker.ts';
export { MemoryBroker } from './memory-broker.ts';
export type { MemoryBrokerOptions } from './memory-broker-options.ts';
