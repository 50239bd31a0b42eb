import type { User } from '../access/user.ts';
import { unknownQueue } from '../access/user.ts';
import { ApiError } from '../http/api-error.ts';
import type { Call } from '../http/router.ts';
import type { LiveStreams } from '../live/live-streams.ts';
import type { View } from '../payload/message-row.ts';
import type { Redactor } from '../payload/redactor.ts';
import type { Sample } from '../sampling/sample.ts';
import type { BrokerView } from '../shown/broker-view.ts';
import { isQueueName } from '../source/queue-name.ts';

/** A change that a user made, for `onAction` and the log. */
export interface Action {
  /** Name of the user. */
  readonly who: string;
  /** Such as `retry`, `discard`, `pause`, `purge`, `quiet`, `bulk retry`. */
  readonly what: string;
  readonly broker: string;
  /** Left out for workers and schedules. */
  readonly queue?: string;
  /** The worker, schedule or job, or the queue that messages were moved to. */
  readonly target?: string;
  /** How many messages were changed; 1 for queues, workers and schedules. */
  readonly count: number;
}

/** What the handlers of calls work with. */
export interface Handled {
  readonly user: User;
  readonly views: ReadonlyMap<string, BrokerView>;
  readonly streams: LiveStreams;
  readonly redactor: Redactor;
  readonly readOnly: boolean;
  readonly startedAt: number;
  readonly version: string;
  readonly now: () => number;
  readonly note: (view: BrokerView, action: Omit<Action, 'who' | 'broker'>, user: User) => void;
}

/** @throws ApiError 404 for a broker that is not shown */
export function viewOf({ views }: Handled, name: string | undefined): BrokerView {
  const view = name === undefined ? [...views.values()][0] : views.get(name);
  if (view !== undefined) return view;
  throw new ApiError(
    404,
    'BROKER_UNKNOWN',
    `this dashboard shows no broker ${JSON.stringify((name ?? '').slice(0, 60))}`,
  );
}

/** The queue in a path. @throws ApiError 404 if the user does not see it, or it does not exist */
export async function queueOf({ path }: Call, view: BrokerView, user: User): Promise<string> {
  const queue = path.q ?? '';
  user.checkSees(queue);
  if (!isQueueName(queue) || !(await view.knows(queue))) throw unknownQueue(queue);
  return queue;
}

/**
 * Checks a sample in which nothing was found: if the broker could not be asked, nothing is known.
 * @throws ApiError 503
 */
export function checkReached({ error }: Sample): void {
  if (error !== undefined) throw new ApiError(503, 'BROKER_UNAVAILABLE', error.message);
}

export function payloadView({ redactor, user }: Handled): View {
  return { redactor, payloads: user.rights.payloads };
}
