/**
 * The names of OpenTelemetry's semantic conventions that this package uses. Those of messaging are still in development:
 * any release may rename them, so they are pinned here, at one version, instead of imported.
 */
export const CONVENTIONS_VERSION = '1.45.0';

/** Identifies the conventions in what is exported. */
export const SCHEMA_URL = `https://opentelemetry.io/schemas/${CONVENTIONS_VERSION}`;

export const ATTRIBUTES = {
  system: 'messaging.system.name',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  messageId: 'messaging.message.id',
  batchCount: 'messaging.batch.message_count',
  errorType: 'error.type',
} as const;

export const OPERATION_TYPES = { create: 'create', send: 'send', process: 'process', settle: 'settle' } as const;

export const METRICS = {
  sent: 'messaging.client.sent.messages',
  consumed: 'messaging.client.consumed.messages',
  operationDuration: 'messaging.client.operation.duration',
  processDuration: 'messaging.process.duration',
} as const;

/** `error.type` of errors beyond those that are counted one by one. */
export const OTHER_ERROR = '_OTHER';

/** Names of our own, for which there is no convention. */
export const BROKKR = {
  system: 'brokkr',
  task: 'brokkr.task.name',
  attempt: 'brokkr.attempt',
  maxRetries: 'brokkr.max_retries',
  outcome: 'brokkr.outcome',
  duplicate: 'brokkr.duplicate',
  arguments: 'brokkr.task.arguments',
  state: 'brokkr.state',
  waitDuration: 'brokkr.task.wait.duration',
  tasks: 'brokkr.tasks',
  queueMessages: 'brokkr.queue.messages',
} as const;
