import type { LimitDemand, LimitRule } from '../broker/limit-store.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import type { LimitRegistry } from './limit-registry.ts';
import { readLimitHeader } from './limit-header.ts';
import type { LimitSettings } from './limit-settings.ts';

/** How often the settings are read although no signal came: a signal may have been missed. */
const LOOK_EVERY_MS = 60_000;
/** How long to wait after settings could not be read. */
const LOOK_AGAIN_MS = 2_000;
/** Headers whose demands are remembered. */
const MOST_KNOWN = 1_000;

/** What a message needs, or why that cannot be known. */
export type Demands = readonly LimitDemand[] | { readonly malformed: true } | { readonly unknown: string };

export interface CurrentRulesOptions {
  readonly registry: LimitRegistry;
  /** Left out if the broker keeps no state: then the rules of the code apply. */
  readonly settings: LimitSettings | undefined;
  /** Whether signals may be missed, so that the settings have to be read now and then. */
  readonly mayMissSignals: boolean;
  readonly clock: Clock;
  /** Is called if the settings cannot be read. They are read again a little later. */
  readonly onError: (error: unknown) => void;
  /** Is called after `start`, once other rules apply. */
  readonly onChange: () => void;
}

/** The rules that apply now, and by them the demands of messages. */
export class CurrentRules {
  readonly #options: CurrentRulesOptions;
  #set: ReadonlyMap<string, LimitRule> = new Map();
  readonly #known = new Map<string, Demands>();
  #timer: TimerHandle | undefined;
  #isReading = false;
  #isDue = false;
  #isClosed = false;

  constructor(options: CurrentRulesOptions) {
    this.#options = options;
  }

  /** Reads what was set at run time, for the first time. @throws BrokerUnavailableError if that cannot be read */
  async start(): Promise<void> {
    if (!this.areNeeded) return;
    await this.#read();
    this.#arm(LOOK_EVERY_MS);
  }

  /** Reads what was set at run time, soon. */
  look(): void {
    const { registry, settings } = this.#options;
    if (this.#isClosed || settings === undefined || registry.size === 0) return;
    this.#isDue = true;
    // One read after the other: an older answer must not overrule a newer one.
    if (!this.#isReading) void this.#readAll();
  }

  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** Name of the limit of a queue, if it has one. */
  nameOfQueue(queue: string): string | undefined {
    return this.#options.registry.nameOfQueue(queue);
  }

  /** Whether the code defines limits. */
  get areNeeded(): boolean {
    return this.#options.registry.size > 0;
  }

  /** The rule of a limit now; `undefined` for one that the code does not define. */
  ruleOf(limit: string): LimitRule | undefined {
    return this.#set.get(limit) ?? this.#options.registry.ruleOf(limit);
  }

  /** What a message of these header and queue limits needs: slots first, because a rate is charged only for a start. */
  demandsOf(header: string | undefined, queueLimit: string | undefined): Demands {
    const name = `${queueLimit ?? ''} ${header ?? ''}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const demands = this.#demands(header, queueLimit);
    // An unknown limit may be defined a moment later.
    if ('unknown' in demands) return demands;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(name, demands);
    return demands;
  }

  #demands(header: string | undefined, queueLimit: string | undefined): Demands {
    const named = header === undefined ? [] : readLimitHeader(header);
    if (named === undefined) return { malformed: true };
    // A task may name the limit of its queue. It counts once.
    const others = named.filter(({ limit, key }) => limit !== queueLimit || key !== '');
    const all = queueLimit === undefined ? named : [{ limit: queueLimit, key: '' }, ...others];
    const demands: LimitDemand[] = [];
    for (const { limit, key } of all) {
      const rule = this.ruleOf(limit);
      if (rule === undefined) return { unknown: limit };
      demands.push({ limit, key, rule });
    }
    return demands.sort((one, other) => orderOf(one) - orderOf(other));
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    let nextMs = LOOK_EVERY_MS;
    while (this.#isDue && !this.#isClosed) {
      this.#isDue = false;
      try {
        const before = this.#set;
        await this.#read();
        if (!this.#isClosed && !isSame(before, this.#set)) this.#options.onChange();
      } catch (error) {
        if (this.#isClosed) break;
        this.#options.onError(error);
        nextMs = LOOK_AGAIN_MS;
      }
    }
    this.#isReading = false;
    this.#arm(nextMs);
  }

  async #read(): Promise<void> {
    const { registry, settings } = this.#options;
    if (settings === undefined) return;
    const names = registry.names();
    const rules = await Promise.all(names.map((name) => settings.ruleOf(name)));
    this.#set = new Map(names.flatMap((name, index) => (rules[index] === undefined ? [] : [[name, rules[index]]])));
    this.#known.clear();
  }

  #arm(ms: number): void {
    const { clock, mayMissSignals, settings } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isClosed || settings === undefined || (ms === LOOK_EVERY_MS && !mayMissSignals)) return;
    this.#timer = clock.setTimeout(() => this.look(), ms);
  }
}

function isSame(before: ReadonlyMap<string, LimitRule>, after: ReadonlyMap<string, LimitRule>): boolean {
  return JSON.stringify([...before]) === JSON.stringify([...after]);
}

function orderOf({ rule }: LimitDemand): number {
  return rule.kind === 'concurrency' ? -rule.slots : 1;
}
