import type { Clock } from '../clock/clock.ts';
import { BrokkrError } from '../errors/brokkr-error.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import type { BrokerOperation } from '../middleware/telemetry.ts';
import type { TelemetrySinks } from '../middleware/telemetry-sinks.ts';
import { Durations } from './durations.ts';

/** Is called at the begin and the end of every receive, with times of the monotonic clock, and at the close. */
export interface ReceiveListener {
  began(at: number): void;
  ended(at: number, hasFailed: boolean): void;
  closed(): void;
}

/** What the receives of one subscription show about its queue. */
interface ReceiveState {
  readonly queue: string;
  /** Since when its receives fail, on the monotonic clock. */
  failingSince: number | undefined;
  /** When the receive that is in progress began. */
  receivingSince: number | undefined;
}

/** A call without an answer for so long: the broker counts as down. */
const SILENT_MS = 2_000;
/** A receive in progress for so long waits for messages: the queue can be read again. */
const WAITING_MS = 5_000;

/**
 * Times the calls of workers to their broker, and notes when the broker last answered. It is off, and costs nothing,
 * until metrics or health are asked for or a telemetry sink wants the calls.
 */
export class BrokerCalls {
  readonly receive = new Durations();
  readonly settle = new Durations();
  readonly extend = new Durations();
  readonly #clock: Clock;
  readonly #sinks: TelemetrySinks;
  readonly #receiving = new Set<ReceiveState>();
  #isOn = false;
  #answeredAt: number | undefined;
  /** The first call since then that got no answer. */
  #askedAt: number | undefined;
  #isFailing = false;
  #reconnects = 0;

  constructor(clock: Clock, sinks: TelemetrySinks) {
    this.#clock = clock;
    this.#sinks = sinks;
  }

  get isOn(): boolean {
    return this.#isOn || this.#sinks.hearsBrokerCalls;
  }

  turnOn(): void {
    this.#isOn = true;
  }

  /** Whether the last call got an answer, and none waits for one for over 2 s; `undefined` if none ended. */
  get isUp(): boolean | undefined {
    // A client that has lost its connection keeps calls until it has another one.
    if (this.#isFailing || this.silentMs > SILENT_MS) return false;
    return this.#answeredAt === undefined ? undefined : true;
  }

  /** How often the broker answered again after a failure. */
  get reconnects(): number {
    return this.#reconnects;
  }

  /** Milliseconds since the last answer; `undefined` before the first. */
  get sinceAnswerMs(): number | undefined {
    return this.#answeredAt === undefined ? undefined : this.#clock.monotonic() - this.#answeredAt;
  }

  /** For how long calls have got no answer, milliseconds; 0 if none waits for one. */
  get silentMs(): number {
    return this.#askedAt === undefined ? 0 : this.#clock.monotonic() - this.#askedAt;
  }

  /** Queues whose messages could not be received for `ms`. */
  unreadable(ms: number): readonly string[] {
    const now = this.#clock.monotonic();
    return [...this.#receiving].flatMap(({ queue, failingSince, receivingSince }) => {
      if (failingSince === undefined || now - failingSince < ms) return [];
      return receivingSince !== undefined && now - receivingSince > WAITING_MS ? [] : [queue];
    });
  }

  /** The listener for the receives of a subscription. */
  receivesOf(queue: string): ReceiveListener {
    const state: ReceiveState = { queue, failingSince: undefined, receivingSince: undefined };
    this.#receiving.add(state);
    return {
      began: (at) => {
        state.receivingSince = at;
      },
      ended: (at, hasFailed) => {
        state.receivingSince = undefined;
        if (!hasFailed) state.failingSince = undefined;
        else state.failingSince ??= at;
      },
      closed: () => void this.#receiving.delete(state),
    };
  }

  now(): number {
    return this.#clock.monotonic();
  }

  /** Notes a call that must be answered soon, unlike a receive, which may wait. @returns when it began */
  asked(): number {
    const now = this.#clock.monotonic();
    this.#askedAt ??= now;
    return now;
  }

  /** Counts a call of a worker. */
  timed(
    operation: BrokerOperation,
    queue: string,
    beganAt: number,
    messages: number,
    error?: { readonly thrown: unknown },
  ): void {
    const now = this.ended(error?.thrown);
    const ms = now - beganAt;
    this[operation].observe(ms);
    if (!this.#sinks.hearsBrokerCalls) return;
    this.#sinks.brokerCall({ operation, queue, ms, messages, ...(error === undefined ? {} : { error: error.thrown }) });
  }

  /** Notes the end of a call. @returns when */
  ended(error: unknown): number {
    const now = this.#clock.monotonic();
    // Any other error is an answer.
    if (BrokkrError.is(error) && error.name === BrokerUnavailableError.name) {
      this.#isFailing = true;
      this.#askedAt ??= now;
      return now;
    }
    if (this.#isFailing) this.#reconnects++;
    this.#isFailing = false;
    this.#answeredAt = now;
    this.#askedAt = undefined;
    return now;
  }
}
