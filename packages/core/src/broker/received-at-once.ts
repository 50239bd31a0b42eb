/**
 * Most messages that a worker asks for in one `Subscription.receive`. A broker returns as many as it is asked for, if they
 * are ready: with fewer, the worker takes the queue for empty, and gives its share to other queues.
 */
export const RECEIVED_AT_ONCE = 500;
