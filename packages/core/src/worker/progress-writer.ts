import type { Logger } from 'pino';
import { SIGNAL_BYTES } from '../broker/check-signal.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import type { ControlChannel } from '../control/control-channel.ts';
import { storeProgress } from '../control/progress-record.ts';
import type { RunProgress } from '../task/run-progress.ts';

/** With the write at the end of a run, at most four writes of a run fall into any second. */
const WRITE_EVERY_MS = 350;

/** Bytes of a signal beside the value: field names and the id. */
const ENVELOPE_BYTES = 300;

export interface ProgressWriterOptions {
  readonly control: ControlChannel;
  /** Opens the store for results; `undefined` if no store is configured. */
  readonly store: () => Promise<ResultStore | undefined>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Stores and broadcasts the progress of the runs of one worker. A failure is logged, and never touches a task. */
export class ProgressWriter {
  readonly #options: ProgressWriterOptions;
  readonly #writing = new Set<Promise<void>>();

  constructor(options: ProgressWriterOptions) {
    this.#options = options;
  }

  /** @param confirmLease resolves with `false` if another run may report by now */
  open(id: string, confirmLease: () => Promise<boolean>): RunProgress {
    return new ThrottledProgress(
      this.#options.clock,
      (report) => this.#write(id, report, confirmLease),
      (writing) => void this.#track(writing),
    );
  }

  /** Resolves once every write has ended. */
  async finished(): Promise<void> {
    while (this.#writing.size > 0) await Promise.all(this.#writing);
  }

  async #write(id: string, report: Report, confirmLease: () => Promise<boolean>): Promise<void> {
    try {
      if (await confirmLease()) await this.#send(id, report);
    } catch (error) {
      this.#options.logger.debug({ error, task: { id } }, 'progress could not be stored');
    }
  }

  async #track(writing: Promise<void>): Promise<void> {
    this.#writing.add(writing);
    await writing;
    this.#writing.delete(writing);
  }

  async #send(id: string, report: Report): Promise<void> {
    const { control, store } = this.#options;
    if (report === 'ended') return control.send('progress', { id, ended: true });
    const { json } = report;
    const kept = await store().catch(() => undefined);
    if (kept !== undefined) await storeProgress(kept, id, json);
    // Without a value listeners read the store.
    const isLong = Buffer.byteLength(json) + ENVELOPE_BYTES > SIGNAL_BYTES;
    await control.send('progress', isLong ? { id } : { id, value: JSON.parse(json) as unknown });
  }
}

type Report = { readonly json: string } | 'ended';

/** The reports of one run: the first at once, later ones in intervals, the last one always, one write after the other. */
class ThrottledProgress implements RunProgress {
  readonly #clock: Clock;
  readonly #write: (report: Report) => Promise<void>;
  readonly #track: (writing: Promise<void>) => void;
  #latest: string | undefined;
  #nextAt = Number.NEGATIVE_INFINITY;
  #timer: TimerHandle | undefined;
  #isWriting = false;
  #isLast = false;
  #isOver = false;

  /**
   * @param write never rejects
   * @param track is called with each promise that a stop has to wait for
   */
  constructor(clock: Clock, write: (report: Report) => Promise<void>, track: (writing: Promise<void>) => void) {
    this.#clock = clock;
    this.#write = write;
    this.#track = track;
  }

  report(json: string): void {
    this.#latest = json;
    this.#next();
  }

  forget(): void {
    this.#latest = undefined;
  }

  flush(): void {
    this.#isLast = true;
    this.#next();
  }

  settled(isOver: boolean): void {
    this.#isOver = isOver;
    this.#next();
  }

  #next(): void {
    if (this.#isWriting) return;
    const waitMs = this.#isLast ? 0 : this.#nextAt - this.#clock.monotonic();
    if (waitMs <= 0) this.#track(this.#writeNow());
    else if (this.#latest !== undefined) this.#timer ??= this.#clock.setTimeout(() => this.#onTimer(), waitMs);
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#next();
  }

  async #writeNow(): Promise<void> {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isWriting = true;
    for (let report = this.#take(); report !== undefined; report = this.#isLast ? this.#take() : undefined) {
      this.#nextAt = this.#clock.monotonic() + WRITE_EVERY_MS;
      await this.#write(report);
    }
    this.#isWriting = false;
    if (this.#latest !== undefined) this.#next();
  }

  /** The next report to write: the latest value, then the end. */
  #take(): Report | undefined {
    const json = this.#latest;
    this.#latest = undefined;
    if (json !== undefined) return { json };
    if (!this.#isOver) return undefined;
    this.#isOver = false;
    return 'ended';
  }
}
