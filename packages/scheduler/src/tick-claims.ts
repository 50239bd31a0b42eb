import { randomUUID } from 'node:crypto';
import { BrokkrError } from '@brokkr/core';
import { type Clock, pause, type RecordChange, type RecordStore } from '@brokkr/core/adapter';

/** If a scheduler dies while it sends a tick, another one sends the tick after this time. */
const CLAIM_MS = 10_000;
/** How often a scheduler asks whether another one has sent the tick, and for how long before it tries the tick again. */
const ASK_MS = 20;
const ASK_FOR_MS = 1_000;

const NEVER = new AbortController().signal;
const OWNER = 'owner';
const SENT = 'sent';

/** What a claim works with. */
export interface ClaimSurroundings {
  readonly records: RecordStore;
  readonly clock: Clock;
  /** How long a tick that was sent is remembered, in milliseconds. */
  readonly rememberMs: number;
}

/**
 * Lets one of several schedulers send a tick whose message cannot have an idempotency key, because it is joined with other
 * messages. A scheduler claims the tick in a record, sends it, and notes that it is sent.
 */
export class TickClaims {
  /** This scheduler, among all that send the ticks of a job. */
  readonly #owner = Buffer.from(randomUUID());

  /**
   * Sends a tick, unless a scheduler has sent it.
   * @param key of the tick: the same in every scheduler
   * @throws the error of `send`; BrokkrError if another scheduler has claimed the tick and not sent it yet: try again
   */
  async once(key: string, send: () => Promise<void>, given: ClaimSurroundings): Promise<void> {
    const { records, rememberMs } = given;
    const record = `schedule:${key}`;
    if (!(await this.#isOurs(record, given))) return;
    const ours = new Map([[OWNER, this.#owner]]);
    const change = async (end: Partial<RecordChange> & Pick<RecordChange, 'ttlMs'>) => {
      await records.change([{ key: record, expect: ours, ...end }]);
    };
    try {
      await send();
    } catch (error) {
      // Another scheduler may be luckier. If the store fails too, the claim ends by itself.
      await change({ ttlMs: 0 }).catch(() => undefined);
      throw error;
    }
    await change({ set: new Map([[SENT, Buffer.from('1')]]), ttlMs: rememberMs });
  }

  /** Whether this scheduler has claimed the tick; false if it is sent already. */
  async #isOurs(key: string, { records, clock }: ClaimSurroundings): Promise<boolean> {
    const free = new Map([[OWNER, undefined]]);
    const claim: RecordChange = { key, expect: free, set: new Map([[OWNER, this.#owner]]), ttlMs: CLAIM_MS };
    for (let waitedMs = 0; ; waitedMs += ASK_MS) {
      const [answer] = await records.change([claim]);
      if (answer?.changed === true) return true;
      const found = await records.read(key, [OWNER, SENT]);
      if (found.has(SENT)) return false;
      const owner = found.get(OWNER);
      // An earlier call claimed it, and its answer was lost.
      if (owner !== undefined && this.#owner.equals(owner)) return true;
      if (waitedMs >= ASK_FOR_MS) {
        throw new BrokkrError('another scheduler has begun to send this tick and has not noted that it is sent', {
          code: 'TICK_CLAIMED',
        });
      }
      await pause(clock, ASK_MS, NEVER);
    }
  }
}
