import type { MetricFamily } from '@brokkr/core/metrics';
import { isAnswer, type StateAnswer, type StateQuestion, type WantedMetrics } from './supervisor-messages.ts';

/** Asks one worker process for its state, and remembers its last answer. */
export class ChildState {
  readonly #send: (question: StateQuestion) => void;
  readonly #waiting = new Map<number, (answer: StateAnswer | undefined) => void>();
  #number = 0;
  #answeredAt: number | undefined;
  #metrics: readonly MetricFamily[] = [];

  constructor(send: (question: StateQuestion) => void) {
    this.#send = send;
  }

  /** Milliseconds since the last answer; `undefined` before the first: the process may still load the application. */
  get silentMs(): number | undefined {
    return this.#answeredAt === undefined ? undefined : performance.now() - this.#answeredAt;
  }

  /** The metrics of the last answer that had them; without gauges if only counters were asked for. */
  get metrics(): readonly MetricFamily[] {
    return this.#metrics;
  }

  /** @returns `undefined` if there was no answer in time */
  ask(metrics: WantedMetrics, timeoutMs: number): Promise<StateAnswer | undefined> {
    const number = ++this.#number;
    return new Promise((resolve) => {
      const done = (answer: StateAnswer | undefined) => {
        clearTimeout(timer);
        this.#waiting.delete(number);
        resolve(answer);
      };
      const timer = setTimeout(() => done(undefined), timeoutMs);
      this.#waiting.set(number, done);
      this.#send({ brokkr: 'question', number, metrics });
    });
  }

  /** Takes a message of the process. Other messages are ignored. */
  received(message: unknown): void {
    if (!isAnswer(message)) return;
    this.#answeredAt = performance.now();
    if (message.metrics !== undefined) this.#metrics = message.metrics;
    this.#waiting.get(message.number)?.(message);
  }

  /** Ends every wait: the process has ended. */
  close(): void {
    for (const done of [...this.#waiting.values()]) done(undefined);
  }
}
