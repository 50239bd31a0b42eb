import {
  type Broker,
  ConfigError,
  PayloadTooLargeError,
  SerializationError,
  type TaskHandle,
  type TaskManager,
  UnsupportedFeatureError,
  ValidationError,
} from '@brokkr/core';
import type { JobDefinition } from './define-job.ts';
import type { JobProgress } from './job-progress.ts';
import type { JobStates } from './job-state.ts';
import type { JobSurroundings } from './job-surroundings.ts';
import { LastRun } from './last-run.ts';
import { TickClaims } from './tick-claims.ts';

/** Header with the instant of the tick: handlers read it from `currentTask().headers`. */
const TICK_HEADER = 'scheduled-at';
/** Errors that a retry would not fix. */
const LASTING = [ConfigError, ValidationError, SerializationError, PayloadTooLargeError, UnsupportedFeatureError];

/** Sends the ticks of a job as messages of its task. */
export class TickSender {
  readonly #job: JobDefinition;
  readonly #manager: TaskManager;
  readonly #lastRun: LastRun;
  readonly #claims = new TickClaims();

  constructor(job: JobDefinition, manager: TaskManager, states: JobStates) {
    this.#job = job;
    this.#manager = manager;
    this.#lastRun = new LastRun(job.id, states);
  }

  /**
   * Sends a tick. With `overlap: 'skip'`, skips it while the last message has not ended.
   * @returns false if this tick can never be sent, which is reported
   * @throws the error of the broker, if the tick may be sent later
   */
  async send(tick: number, progress: JobProgress, { broker, clock, reporter }: JobSurroundings): Promise<boolean> {
    const { id, overlap, graceMs } = this.#job;
    const { records } = broker;
    const key = progress.keyOf(tick);
    try {
      if (overlap === 'skip' && (await this.#lastRun.isOpen(broker, progress.lastEver, clock.now()))) {
        this.#manager.logger.info({ job: id }, 'tick skipped: the last run has not ended');
      } else if (this.#job.send.joinedBy !== undefined && broker.capabilities.idempotency && records !== undefined) {
        const rememberMs = Math.max(graceMs, this.#manager.config.idempotencyTtlMs);
        await this.#claims.once(key, () => this.#send(tick, broker, {}), { records, clock, rememberMs });
      } else await this.#send(tick, broker, broker.capabilities.idempotency ? { idempotencyKey: key } : {});
      return true;
    } catch (error) {
      if (!LASTING.some((kind) => error instanceof kind)) throw error;
      reporter.refused(id, tick, error);
      return false;
    }
  }

  async #send(tick: number, broker: Broker, key: { readonly idempotencyKey?: string }): Promise<void> {
    const { id, args, overlap, send: base } = this.#job;
    const headers = { [TICK_HEADER]: new Date(tick).toISOString() };
    const { send } = base.with({ headers, ...key });
    const handle: TaskHandle =
      overlap === 'allow' ? await send(...args) : await this.#lastRun.send(broker, send, args, tick);
    // With an idempotency key, a duplicate is the same tick, sent by another scheduler.
    if (base.joinedBy === undefined || handle.outcome === 'new') return;
    const { outcome, id: message } = handle;
    this.#manager.logger.info({ job: id, option: base.joinedBy, outcome, message }, 'tick joined with another message');
  }

  /** Considers the last run as ended, if the broker cannot be asked for it. */
  async forgetLastRun(): Promise<void> {
    if (this.#job.overlap === 'skip') await this.#lastRun.forget(await this.#manager.broker());
  }
}
