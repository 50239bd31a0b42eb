import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../clock/clock.ts';
import { BrokerProbe } from '../metrics/broker-probe.ts';
import type { MetricFamily } from '../metrics/metric-family.ts';
import {
  brokerFamilies,
  processFamilies,
  sendFamilies,
  slotFamilies,
  taskFamilies,
} from '../metrics/worker-families.ts';
import { workerHealth } from '../metrics/worker-health.ts';
import type { Telemetry } from '../middleware/telemetry.ts';
import { TelemetrySinks } from '../middleware/telemetry-sinks.ts';
import { SendStats } from '../producer/send-stats.ts';
import { BrokerCalls } from '../worker/broker-calls.ts';
import { LoopDelay } from '../worker/loop-delay.ts';
import { Stats } from '../worker/stats.ts';
import type { TaskWorker } from '../worker/task-worker.ts';
import { VERSION } from '../worker/version.ts';
import type { WorkerHealth } from '../worker/worker.ts';

export interface ManagerMetricsOptions {
  readonly telemetry: readonly Telemetry[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Kind of broker for a label, such as `redis`. */
  readonly brokerKind: string;
  readonly openBroker: () => Promise<Broker>;
  /** Those that have not ended. */
  readonly workers: ReadonlySet<TaskWorker>;
}

/** Everything that a manager counts: its sends, and what its workers do. */
export class ManagerMetrics {
  readonly sinks: TelemetrySinks;
  readonly sends: SendStats;
  readonly calls: BrokerCalls;
  readonly #brokerKind: string;
  readonly #workers: ReadonlySet<TaskWorker>;
  readonly #probe: BrokerProbe;
  /** Measures from the first question on. */
  #loopDelay: LoopDelay | undefined;
  /** Counts of workers that ended: counters must not fall. */
  readonly #past = new Stats();

  constructor({ telemetry, clock, logger, brokerKind, openBroker, workers }: ManagerMetricsOptions) {
    this.sinks = new TelemetrySinks(telemetry, logger);
    this.sends = new SendStats(this.sinks);
    this.calls = new BrokerCalls(clock, this.sinks);
    this.#brokerKind = brokerKind;
    this.#workers = workers;
    this.#probe = new BrokerProbe(this.calls, clock, openBroker);
  }

  /** Keeps the counts of a worker that ended. */
  retire(worker: TaskWorker): void {
    this.#past.add(worker.stats);
  }

  /** The metrics of all workers and sends. @param which `counters` leaves out gauges */
  families(which: 'all' | 'counters'): readonly MetricFamily[] {
    const workers = [...this.#workers];
    const stats = new Stats();
    stats.add(this.#past);
    for (const worker of workers) stats.add(worker.stats);
    if (which === 'all') return [...this.#workerFamilies(stats, workers), ...sendFamilies(this.sends)];
    return [
      ...taskFamilies(stats),
      ...brokerFamilies(this.calls, this.#probe.isUp),
      ...sendFamilies(this.sends),
    ].filter(({ type }) => type !== 'gauge');
  }

  familiesOf(worker: TaskWorker): readonly MetricFamily[] {
    return this.#workerFamilies(worker.stats, [worker]);
  }

  /** Asks a broker that was silent for a while, for at most half a second. */
  async health(worker: TaskWorker, queue: string): Promise<WorkerHealth> {
    this.calls.turnOn();
    if (worker.state === 'running') await this.#probe.ask(queue);
    return workerHealth(worker, this.calls);
  }

  close(): void {
    this.#loopDelay?.stop();
  }

  #workerFamilies(stats: Stats, workers: readonly TaskWorker[]): readonly MetricFamily[] {
    this.calls.turnOn();
    return [
      ...taskFamilies(stats),
      ...slotFamilies(workers),
      ...brokerFamilies(this.calls, this.#probe.isUp),
      ...processFamilies(VERSION, this.#brokerKind, this.#loopDelayMs()),
    ];
  }

  /** The delay since the last question; `undefined` the first time. */
  #loopDelayMs(): number | undefined {
    if (this.#loopDelay !== undefined) return this.#loopDelay.take();
    this.#loopDelay = new LoopDelay();
    this.#loopDelay.start();
    return undefined;
  }
}
