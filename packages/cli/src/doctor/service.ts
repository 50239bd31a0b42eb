import type { Broker, TaskManager } from '@brokkr/core';
import type { QueueCounts, QueueReport, WorkerReport } from '@brokkr/core/adapter';

/** Messages were ready at both looks, none was seen to run, and none ended in between. */
export function standsStill(before: QueueCounts | undefined, after: QueueCounts): boolean {
  if (before === undefined || !before.ready || !after.ready) return false;
  if ((before.running ?? 0) > 0 || (after.running ?? 0) > 0) return false;
  return before.acknowledged === after.acknowledged && after.ready >= before.ready;
}

/** Why the messages of queues wait: the pauses of the queues, and their workers. */
export class Service {
  readonly #manager: TaskManager;
  readonly #queueOf: (lane: string) => string;
  readonly #paused: ReadonlySet<string>;
  /** `undefined` if they cannot be read. */
  readonly #reports: readonly WorkerReport[] | undefined;
  /** Why the pauses are unknown. */
  readonly pauseError: Error | undefined;

  /** Reads what is known of `queues`, in two short calls; in none if there are no queues. */
  static async read(broker: Broker, manager: TaskManager, queues: ReadonlySet<QueueReport>): Promise<Service> {
    const { PauseFlags, readLane } = await import('@brokkr/core/adapter');
    const queueOf = (lane: string) => readLane(lane).queue;
    if (queues.size === 0) return new Service(manager, queueOf, new Set(), undefined);
    const names = [...new Set([...queues].map(({ queue }) => queueOf(queue)))];
    const [paused, reports] = await Promise.all([
      broker.states === undefined ? new Set<string>() : new PauseFlags(broker.states).tryPausedOf(names),
      reportsOf(broker),
    ]);
    if (!(paused instanceof Error)) return new Service(manager, queueOf, paused, reports);
    return new Service(manager, queueOf, new Set(), reports, paused);
  }

  private constructor(
    manager: TaskManager,
    queueOf: (lane: string) => string,
    paused: ReadonlySet<string>,
    reports: readonly WorkerReport[] | undefined,
    pauseError?: Error,
  ) {
    this.pauseError = pauseError;
    this.#manager = manager;
    this.#queueOf = queueOf;
    this.#paused = paused;
    this.#reports = reports;
  }

  /** Why the messages of a queue that stands still wait; `undefined` if a worker serves it, or if nothing is known. */
  problemOf({ queue: lane, ready, running, consumers }: QueueReport): { code: string; message: string } | undefined {
    const queue = this.#queueOf(lane);
    const isOne = ready === 1;
    const messages = `${isOne ? '1 message waits' : `${ready} messages wait`} in ${lane}`;
    if (this.#paused.has(queue)) {
      return {
        code: 'QUEUE_PAUSED',
        message: `${messages}, which is paused; to end the pause: brokkr resume ${queue}`,
      };
    }
    const workers = this.#reports?.filter(({ queues }) => Object.hasOwn(queues, queue));
    // A full worker of RabbitMQ has no consumer, and the server does not count the messages that run.
    if ((consumers ?? 0) > 0 || workers?.some(({ state }) => state === 'running')) return undefined;
    const quiet = workers?.filter(({ state }) => state === 'quiet').map(({ id }) => id) ?? [];
    const [first] = quiet;
    if (first !== undefined) {
      const whose = quiet.length === 1 ? `its worker is quiet` : `its ${quiet.length} workers are quiet`;
      return { code: 'QUEUE_UNSERVED', message: `${messages}, and ${whose}; brokkr workers resume ${first}` };
    }
    if (workers === undefined && running === undefined && consumers === undefined) return undefined;
    const advice = this.#uses(queue)
      ? `run a worker for it: brokkr worker -q ${queue}`
      : 'and no task of this application uses it';
    return { code: 'QUEUE_UNSERVED', message: `${messages}, and no worker runs ${isOne ? 'it' : 'them'}; ${advice}` };
  }

  #uses(queue: string): boolean {
    return this.#manager.tasks().some((task) => (task.queueName ?? this.#manager.config.queueName) === queue);
  }
}

async function reportsOf({ workers }: Broker): Promise<readonly WorkerReport[] | undefined> {
  try {
    return (await workers?.reports())?.map(({ report }) => report);
  } catch (error) {
    // A user without rights to the reports still learns what the counts show.
    if ((error as { code?: unknown }).code === 'QUEUE_REFUSED') return undefined;
    throw error;
  }
}
