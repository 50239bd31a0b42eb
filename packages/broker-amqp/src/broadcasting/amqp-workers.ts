import type { AgedReport, WorkerDirectory, WorkerReport } from '@brokkr/core/adapter';
import type { BroadcastingOptions } from './broadcasting-options.ts';
import { ReportAnswers } from './report-answers.ts';
import { ReportViewer } from './report-viewer.ts';

/**
 * Reports of living workers. RabbitMQ keeps none, so a viewer calls for them over one exchange, and workers answer over
 * another for 30 s. Without a viewer nothing is sent.
 */
export class AmqpWorkers implements WorkerDirectory {
  readonly #answers: ReportAnswers;
  readonly #viewer: ReportViewer;

  constructor(options: BroadcastingOptions) {
    this.#answers = new ReportAnswers(options);
    this.#viewer = new ReportViewer(options);
  }

  report(report: WorkerReport, ttlMs: number): Promise<{ readonly nextMs: number }> {
    return this.#answers.report(report, ttlMs);
  }

  retire(workerId: string): Promise<void> {
    return this.#answers.retire(workerId);
  }

  reports(): Promise<readonly AgedReport[]> {
    return this.#viewer.reports();
  }

  close(): void {
    this.#answers.close();
    this.#viewer.close();
  }
}
