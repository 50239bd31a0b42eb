import type { StateStore } from '@brokkr/core/adapter';
import type { BulkJob } from '../api/types.ts';
import { decodeJobRecord, encodeJobRecord, type JobRecord } from './job-record.ts';

/** Jobs that the broker keeps. A new job takes the place of the oldest one that has ended. */
const PLACES = 8;
const BEAT_MS = 2_000;
/** A running job without a sign of life for this long was interrupted. */
const SILENT_MS = 15_000;
/** How far the clocks of two dashboards may differ. */
const SKEW_MS = 60_000;

/** What a job that is kept needs at its end. */
export interface KeptJob {
  /** Stores how the job ended. Never rejects. */
  readonly end: () => Promise<void>;
}

interface Seen {
  readonly record: JobRecord;
  /** When its sign of life was seen first, by the clock of this process. */
  readonly since: number;
}

/**
 * The last bulk jobs of all dashboards of a broker, kept by the broker: if a dashboard dies, the next one shows how far
 * its jobs came. A store that fails costs only that.
 */
export class JobRecords {
  readonly #states: () => Promise<StateStore | undefined>;
  readonly #now: () => number;
  readonly #onFailure: (error: unknown) => void;
  readonly #seen = new Map<number, Seen>();
  /** Places of the jobs of this process that run. */
  readonly #taken = new Set<number>();

  constructor(
    states: () => Promise<StateStore | undefined>,
    { now, onFailure }: { readonly now: () => number; readonly onFailure: (error: unknown) => void },
  ) {
    this.#states = states;
    this.#now = now;
    this.#onFailure = onFailure;
  }

  /** The jobs as they were read last. Those without a sign of life are `interrupted`. */
  get jobs(): readonly BulkJob[] {
    return [...this.#seen.values()].map((seen) => ({
      ...seen.record.job,
      ...(this.#isSilent(seen) && { state: 'interrupted' as const, endedAt: seen.record.beatAt }),
      isElsewhere: true,
    }));
  }

  /** Reads the jobs. Never rejects. @returns whether some of them may be running in another process */
  async read(): Promise<boolean> {
    await this.#tried(async (states) => {
      // The calls of one turn of the event loop are one round trip, if the broker batches.
      const values = await Promise.all(Array.from({ length: PLACES }, (_, place) => states.get(keyOf(place))));
      for (const [place, value] of values.entries()) this.#note(place, value);
    });
    return this.jobs.some(({ state }) => state === 'running');
  }

  /** Stores a job that begins; resolves once it is stored. Until its end a sign of life follows each 2 s. Never rejects. */
  async keep(job: () => BulkJob): Promise<KeptJob> {
    await this.read();
    const place = this.#freePlace();
    if (place === undefined) return { end: async () => undefined };
    this.#taken.add(place);
    let writing = this.#write(place, job());
    await writing;
    const beat = setInterval(() => {
      writing = writing.then(() => this.#write(place, job()));
    }, BEAT_MS).unref();
    const end = async () => {
      clearInterval(beat);
      await writing;
      await this.#write(place, job());
      this.#taken.delete(place);
    };
    return { end };
  }

  #freePlace(): number | undefined {
    const places = Array.from({ length: PLACES }, (_, place) => place).filter((place) => !this.#taken.has(place));
    const startedAt = (place: number) => this.#seen.get(place)?.record.job.startedAt ?? 0;
    const isFree = (place: number) => {
      const seen = this.#seen.get(place);
      return seen === undefined || seen.record.job.state !== 'running' || this.#isSilent(seen);
    };
    return places.filter(isFree).sort((a, b) => startedAt(a) - startedAt(b))[0];
  }

  #note(place: number, value: string | undefined): void {
    const record = value === undefined ? undefined : decodeJobRecord(value);
    if (record === undefined) {
      this.#seen.delete(place);
      return;
    }
    const before = this.#seen.get(place);
    const isSame = before?.record.job.id === record.job.id && before.record.beatAt === record.beatAt;
    this.#seen.set(place, { record, since: isSame ? before.since : this.#now() });
  }

  #isSilent({ record: { job, beatAt }, since }: Seen): boolean {
    const now = this.#now();
    return job.state === 'running' && (now - since > SILENT_MS || now - beatAt > SILENT_MS + SKEW_MS);
  }

  #write(place: number, job: BulkJob): Promise<void> {
    const value = encodeJobRecord({ job, beatAt: this.#now() });
    return this.#tried((states) => states.set(keyOf(place), value));
  }

  async #tried(use: (states: StateStore) => Promise<void>): Promise<void> {
    try {
      const states = await this.#states();
      if (states !== undefined) await use(states);
    } catch (error) {
      this.#onFailure(error);
    }
  }
}

function keyOf(place: number): string {
  return `dashboard.bulk:${place}`;
}
