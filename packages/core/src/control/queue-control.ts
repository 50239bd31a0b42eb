import type { Broker } from '../broker/broker.ts';
import type { Inspector, QueueReport } from '../broker/inspector.ts';
import { joinLanes, knownLanes, type LaneCounts } from '../broker/lane-counts.ts';
import { checkOwnQueueName } from '../broker/names.ts';
import type { RecordStore } from '../broker/record-store.ts';
import { purgeJoined } from '../collapse/purge-joined.ts';
import { UnsupportedFeatureError } from '../errors/errors.ts';
import { controlSignal } from './control-signals.ts';
import { PauseFlags } from './pause-flags.ts';

/** What a queue control works with. */
export interface QueueControlPorts {
  readonly broker: () => Promise<Broker>;
  /** Opens the store that joins unique and debounced messages, or the broker; `undefined` if neither keeps records. */
  readonly records: () => Promise<RecordStore | undefined>;
  /** How long the key of a joined message is remembered, in milliseconds. */
  readonly keyTtlMs: () => number;
  readonly now: () => number;
  /** Whether a task of the queue has `priorities`, as far as this process knows. */
  readonly hasPriorities: (queue: string) => boolean;
}

/**
 * A queue of a running system: pause and resume it, count and purge it. It works from any process.
 *
 * @example
 * const emails = tm.queue('emails');
 * await emails.pause();
 * console.log(await emails.counts());
 */
export class QueueControl {
  readonly name: string;
  readonly #ports: QueueControlPorts;

  /** @throws ConfigError for a name that is not a queue name */
  constructor(name: string, ports: QueueControlPorts) {
    checkOwnQueueName(name);
    this.name = name;
    this.#ports = ports;
  }

  /**
   * Stops workers of every process from starting messages of this queue: within two seconds, or within a minute if a
   * worker was disconnected at that time. Running handlers go on. The pause survives restarts of every process, until
   * `resume()`.
   * @throws UnsupportedFeatureError (`PAUSE_UNSUPPORTED`) if the broker keeps no state
   * @throws BrokerUnavailableError if the broker is unreachable
   */
  async pause(): Promise<void> {
    await this.#set(true);
  }

  /** Ends a pause. Has no effect if the queue is not paused. @throws as `pause` */
  async resume(): Promise<void> {
    await this.#set(false);
  }

  /** @throws as `pause` */
  async isPaused(): Promise<boolean> {
    const { flags } = await this.#open();
    return (await flags.pausedSince(this.name)) !== undefined;
  }

  /**
   * Counts the messages of the queue. Figures that the server does not know are left out. If the queue has lanes, the
   * figures are sums, and `lanes` has those of each.
   * @throws UnsupportedFeatureError (`INSPECT_UNSUPPORTED`) if the broker has no inspector
   */
  async counts(): Promise<LaneCounts> {
    const inspector = await this.#inspector();
    const lanes = await this.#lanes(inspector);
    if (lanes.length === 1) return inspector.counts(this.name);
    const [joined] = joinLanes(await inspector.countsOf(lanes));
    const { queue: _, error, ...counts } = joined as QueueReport & LaneCounts;
    if (error !== undefined) throw error;
    return counts;
  }

  /**
   * Removes the ready messages, of all lanes. Delayed, running and dead ones stay. The keys of unique and debounced
   * messages are free after it; if a store keeps them, each message is read before it is removed.
   * @returns how many were removed
   * @throws UnsupportedFeatureError (`INSPECT_UNSUPPORTED`) if the broker has no inspector
   * @throws BrokerUnavailableError if the broker or the store is unreachable; a part may be removed by then
   */
  async purge(): Promise<number> {
    const inspector = await this.#inspector();
    const { broker, records, keyTtlMs } = this.#ports;
    const { capabilities } = await broker();
    return purgeJoined(inspector, await this.#lanes(inspector), { capabilities, records, keyTtlMs: keyTtlMs() });
  }

  #lanes(inspector: Inspector): Promise<readonly string[]> {
    return knownLanes(inspector, this.name, this.#ports.hasPriorities(this.name));
  }

  async #set(paused: boolean): Promise<void> {
    const { broker, flags } = await this.#open();
    if (paused) await flags.pause(this.name, this.#ports.now());
    else await flags.resume(this.name);
    // The flag is set: workers that do not hear the signal read it within a minute.
    await broker.signals?.send(controlSignal('pause', { queue: this.name, paused }));
  }

  async #open(): Promise<{ readonly broker: Broker; readonly flags: PauseFlags }> {
    const broker = await this.#ports.broker();
    if (broker.states !== undefined) return { broker, flags: new PauseFlags(broker.states) };
    throw new UnsupportedFeatureError(
      `queue ${this.name}: this broker keeps no state, so a pause would be forgotten; stop the workers of the queue instead`,
      { code: 'PAUSE_UNSUPPORTED' },
    );
  }

  async #inspector(): Promise<NonNullable<Broker['inspector']>> {
    const { inspector } = await this.#ports.broker();
    if (inspector !== undefined) return inspector;
    throw new UnsupportedFeatureError(`queue ${this.name}: this broker has no inspector, so it cannot be looked into`, {
      code: 'INSPECT_UNSUPPORTED',
    });
  }
}
