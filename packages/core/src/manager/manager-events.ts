import type { EventEmitter } from '../worker/event-emitter.ts';
import type { WorkerEvents } from '../worker/worker.ts';
import { checkListener } from '../worker/worker-options.ts';

/** The events of every worker of a manager in this process, as methods of the manager. */
export class ManagerEvents {
  readonly #events: EventEmitter<WorkerEvents>;

  protected constructor(events: EventEmitter<WorkerEvents>) {
    this.#events = events;
  }

  /**
   * Adds a listener to an event of every worker of this manager in this process, `brokkr worker` included, also of workers
   * that are created later. Listeners are called synchronously; an error of theirs is logged, and changes nothing.
   * @throws ConfigError (`EVENT_UNKNOWN`) with the nearest event, (`LISTENER_INVALID`)
   * @example
   * tm.on('dead', ({ id, name, error }) => pager.notify(`${name} ${id}`, error));
   */
  on<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this {
    checkListener(event, listener, 'tm.on');
    this.#events.on(event, listener);
    return this;
  }

  /** Adds a listener for the next event only. @throws as `on` */
  once<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this {
    checkListener(event, listener, 'tm.once');
    this.#events.once(event, listener);
    return this;
  }

  /** Removes a listener. @throws as `on` */
  off<E extends keyof WorkerEvents>(event: E, listener: (...args: WorkerEvents[E]) => void): this {
    checkListener(event, listener, 'tm.off');
    this.#events.off(event, listener);
    return this;
  }
}
