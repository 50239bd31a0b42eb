export { otel } from './otel.ts';
export type { OtelOptions } from './otel-options.ts';
export { observeQueues, type ObserveQueuesOptions } from './observe-queues.ts';
