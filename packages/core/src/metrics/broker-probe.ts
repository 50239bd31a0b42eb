import { setImmediate } from 'node:timers/promises';
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import type { BrokerCalls } from '../worker/broker-calls.ts';

/** An answer that is not older makes a probe unnecessary. */
const FRESH_MS = 1_000;
/**
 * How long a question for the health of a worker waits for the broker. A supervisor gives up on its processes after a
 * second: an answer that waited longer for a silent broker would look like a process that hangs.
 */
const WAIT_MS = 500;
/** A state that does not exist: reading it is the cheapest question. */
const KEY = 'brokkr-probe';

/** Asks a broker that was silent for a while whether it is there: an idle worker makes no other calls. */
export class BrokerProbe {
  readonly #calls: BrokerCalls;
  readonly #clock: Clock;
  readonly #open: () => Promise<Broker>;
  #pending: Promise<void> | undefined;
  /** When the wait for an answer last ended without one, on the monotonic clock. */
  #silentAt: number | undefined;

  constructor(calls: BrokerCalls, clock: Clock, open: () => Promise<Broker>) {
    this.#calls = calls;
    this.#clock = clock;
    this.#open = open;
  }

  /**
   * Whether the last call was answered, and no wait for an answer has ended without one since; `undefined` before the first
   * answer or such a wait.
   */
  get isUp(): boolean | undefined {
    const { isUp, sinceAnswerMs = Number.POSITIVE_INFINITY } = this.#calls;
    const answeredAt = this.#clock.monotonic() - sinceAnswerMs;
    return this.#silentAt !== undefined && answeredAt < this.#silentAt ? false : isUp;
  }

  /**
   * Resolves once the broker has answered, or after half a second, which counts as no answer. Never rejects.
   *
   * @param queue any queue of the worker
   */
  async ask(queue: string): Promise<void> {
    const { sinceAnswerMs, silentMs } = this.#calls;
    if (silentMs === 0 && sinceAnswerMs !== undefined && sinceAnswerMs < FRESH_MS) return;
    this.#pending ??= this.#probe(queue).finally(() => {
      this.#pending = undefined;
    });
    const answered = new AbortController();
    void this.#pending.then(() => answered.abort());
    await pause(this.#clock, WAIT_MS, answered.signal);
    // After a block of the event loop, the timer ends before the answer that has arrived is read.
    if (!answered.signal.aborted) await setImmediate();
    if (!answered.signal.aborted) this.#silentAt = this.#clock.monotonic();
  }

  async #probe(queue: string): Promise<void> {
    try {
      const { states, inspector } = await this.#open();
      if (states === undefined && inspector === undefined) return;
      this.#calls.asked();
      await (states === undefined ? inspector?.counts(queue) : states.get(KEY));
      this.#calls.ended(undefined);
    } catch (error) {
      this.#calls.ended(error);
    }
  }
}
