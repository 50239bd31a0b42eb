import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../clock/clock.ts';
import type { ControlChannel } from '../control/control-channel.ts';
import type { Consumer } from './consumer.ts';
import type { EventEmitter } from './event-emitter.ts';
import { ReportLoop } from './report-loop.ts';
import { ReportMaker } from './report-maker.ts';
import type { TotalsSource } from './report-source.ts';
import type { SuspectIsolation } from './suspect-isolation.ts';
import { Steering } from './steering.ts';
import type { WorkerEvents } from './worker.ts';

export interface OperationsOptions {
  readonly id: string;
  readonly queues: ReadonlyMap<string, number>;
  readonly concurrency: number;
  readonly broker: Broker;
  readonly control: ControlChannel;
  readonly consumer: Consumer;
  readonly isolation: SuspectIsolation;
  readonly totals: TotalsSource;
  readonly events: EventEmitter<WorkerEvents>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts when the worker is asked to stop. */
  readonly stopped: AbortSignal;
}

/** What other processes see of a worker, and how they steer it: reports, pauses, cancellations. */
export class Operations {
  readonly #options: OperationsOptions;
  readonly #steering: Steering;
  readonly #reports: ReportLoop | undefined;
  readonly #maker: ReportMaker | undefined;
  #isStopping = false;

  /**
   * Reads which queues are paused, before the worker fetches, and begins to listen. A stop of the worker ends the waiting.
   * @throws BrokerUnavailableError if that cannot be read
   */
  static async open(options: OperationsOptions): Promise<Operations> {
    const operations = new Operations(options);
    try {
      await operations.#steering.start(options.stopped);
    } catch (error) {
      await operations.close();
      throw error;
    }
    if (!options.stopped.aborted) operations.#reports?.begin();
    return operations;
  }

  private constructor(options: OperationsOptions) {
    this.#options = options;
    const { id, queues, concurrency, broker, control, consumer, isolation, totals, clock, logger } = options;
    this.#steering = new Steering({
      workerId: id,
      queues: [...queues.keys()],
      broker,
      control,
      clock,
      logger,
      steered: consumer,
      onPaused: (queue, paused) => this.#paused(queue, paused),
      onQuiet: () => this.#quieted(),
    });
    if (broker.workers === undefined) return;
    const maker = new ReportMaker({
      id,
      queues,
      concurrency,
      startedAt: clock.now(),
      totals,
      now: () => ({
        state: this.#isStopping ? 'stopping' : consumer.isQuiet ? 'quiet' : 'running',
        paused: this.#steering.paused,
        suspect: isolation.suspect,
        runningCount: consumer.slots.running,
        runningTasks: (most) => consumer.slots.runningTasks(most),
      }),
    });
    this.#maker = maker;
    this.#reports = new ReportLoop({ directory: broker.workers, report: () => maker.report(), clock, logger });
    // Once the suspect has started, or ended: the report also says what runs.
    isolation.onChange(() => queueMicrotask(() => this.#reports?.reportNow()));
  }

  /** The worker stops: reports say so. It can still be steered, because handlers run. */
  stopping(): void {
    this.#isStopping = true;
    this.#reports?.reportNow();
  }

  /** Ends reports and steering. Waits at most 2 s for the broker. Never rejects. */
  async close(): Promise<void> {
    this.#steering.close();
    this.#maker?.close();
    await this.#reports?.stop(this.#options.id);
  }

  #paused(queue: string, paused: boolean): void {
    const { id, events, logger } = this.#options;
    logger.info(
      { worker: id, queue },
      paused ? 'queue is paused: the worker takes no more of its messages' : 'queue is resumed',
    );
    events.emit(paused ? 'paused' : 'resumed', { queue });
    this.#reports?.reportNow();
  }

  #quieted(): void {
    const { id, consumer, logger } = this.#options;
    const { isQuiet } = consumer;
    logger.info({ worker: id }, isQuiet ? 'worker is quiet: it takes no more messages' : 'worker takes messages again');
    this.#reports?.reportNow();
  }
}
