import type { Broker } from '../broker/broker.ts';
import type { LimitStore } from '../broker/limit-store.ts';
import { LimitControl } from '../control/limit-control.ts';
import type { Limit, LimitOptions } from '../limits/limit.ts';
import type { EventEmitter } from '../worker/event-emitter.ts';
import type { WorkerEvents } from '../worker/worker.ts';
import { ManagerTasks } from './manager-tasks.ts';
import type { TaskHost } from './task-calls.ts';

interface LimitPorts {
  readonly broker: () => Promise<Broker>;
  readonly store: () => Promise<LimitStore>;
}

/** The limits of a manager, as methods of it. */
export class ManagerLimits extends ManagerTasks {
  readonly #ports: LimitPorts;

  protected constructor(events: EventEmitter<WorkerEvents>, host: () => TaskHost, ports: LimitPorts) {
    super(events, host);
    this.#ports = ports;
  }

  /**
   * Defines a limit for tasks that name it in their option `limits`, or for all messages of a queue. It holds over all
   * workers of all processes.
   * @throws ConfigError (`LIMIT_INVALID`) that names the option, (`LIMIT_DEFINED_TWICE`) for other options of a known name
   * @example
   * const stripe = tm.limit({ name: 'stripe', rate: 100, per: '1s', burst: 20 });
   * const customer = tm.limit({ name: 'customer', concurrency: 1 });
   * tm.task({ name: 'charge', limits: (id) => [stripe, customer.for(id)] }, async (id: string) => {});
   */
  limit(options: LimitOptions): Limit {
    return this.registry.limits.define(options);
  }

  /**
   * The limits of the running system: what they hold, and rules that are set at run time.
   * @example
   * await tm.limits().set('stripe', { rate: 50 });
   */
  limits(): LimitControl {
    return new LimitControl({ ...this.#ports, names: () => this.registry.limits.names() });
  }
}
