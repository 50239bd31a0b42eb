import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { Clock } from '../clock/clock.ts';
import type { ControlChannel } from '../control/control-channel.ts';
import type { TaskDefinition } from '../task/task-definition.ts';

/** What the handles of messages work with. */
export interface HandlePorts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly broker: () => Promise<Broker>;
  readonly resultStore: () => Promise<ResultStore | undefined>;
  readonly control: ControlChannel;
}

/** The message that a handle is of. */
export interface HandledMessage {
  readonly id: string;
  readonly queue: string;
  /** Queues of the broker that it may be in: its lane, or all lanes of its queue. */
  readonly lanes: readonly string[];
  readonly task: TaskDefinition;
}
