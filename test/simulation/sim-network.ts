import { type Broker, BrokerUnavailableError } from '@brokkr/core';
import type {
  Delivery,
  MessageIndex,
  PublishReceipt,
  ResultStore,
  Settlement,
  Signals,
  Subscription,
} from '@brokkr/core/adapter';
import type { SimOracle } from './sim-oracle.ts';
import type { SimPlan } from './sim-plan.ts';
import type { SimProcess } from './sim-process.ts';

/** A `load` that does not wait. */
const NO_WAIT = AbortSignal.abort();
/** A client stops waiting for an answer after this time. */
export const PATIENCE_MS = 2_000;

export interface SimNetworkOptions {
  readonly plan: SimPlan;
  readonly server: Broker;
  readonly oracle: SimOracle;
  readonly random: () => number;
  /** Runs a callback at the server or in the network: no process is involved. */
  readonly after: (ms: number, run: () => void) => void;
}

interface CallOptions {
  readonly repeats?: 'later' | 'at once' | 'never';
  readonly asksAgain?: boolean;
}

/** The network between processes and the server: it delays, loses and repeats calls. */
export class SimNetwork {
  readonly #options: SimNetworkOptions;
  #isHealed = false;

  constructor(options: SimNetworkOptions) {
    this.#options = options;
  }

  /** From now on no call is lost or repeated. */
  heal(): void {
    this.#isHealed = true;
  }

  /** Returns the broker, as `process` sees it. */
  brokerFor(process: SimProcess): Broker {
    const { server, oracle, plan } = this.#options;
    return {
      // There is no inspector over the network.
      capabilities: { ...server.capabilities, counts: 'ready-only' },
      publish: (envelopes) =>
        this.#call(
          process,
          () => {
            for (const { id, body, notBefore } of envelopes) {
              const n = (JSON.parse(Buffer.from(body).toString()) as [number])[0];
              oracle.published(id, n, notBefore ?? 0);
            }
            return server.publish(envelopes);
          },
          { repeats: 'at once' },
        ) as Promise<readonly PublishReceipt[]>,
      subscribe: async (queue, options) => this.#subscription(process, await server.subscribe(queue, options)),
      close: async () => undefined,
      results: this.#results(process),
      ...(plan.cancels && { signals: this.#signals(process), messages: this.#messages(process) }),
    };
  }

  /** Signals are lost as answers are, and come late. */
  #signals(process: SimProcess): Signals {
    const { server, oracle, plan, random, after } = this.#options;
    const at = server.signals as Signals;
    return {
      send: (signal) => {
        if (signal.topic === 'cancelling')
          oracle.cancelling((JSON.parse(signal.body) as { id: string }).id, process.name);
        return this.#call(process, () => at.send(signal));
      },
      listen: (listener) =>
        at.listen((signal) => {
          if (!this.#isHealed && random() < plan.droppedReplies) return;
          after(this.#latency(), () => process.gate(() => listener(signal)));
        }),
    };
  }

  #messages(process: SimProcess): MessageIndex {
    const { server, oracle } = this.#options;
    const at = server.messages as MessageIndex;
    return {
      find: (queue, ids) => this.#call(process, () => at.find(queue, ids)),
      promote: (queue, ids) => this.#call(process, () => at.promote(queue, ids)),
      unfinished: (queue, ids) => this.#call(process, () => at.unfinished(queue, ids)),
      cancel: (queue, ids) =>
        this.#call(process, async () => {
          const removed = await at.cancel(queue, ids);
          for (const id of removed) oracle.removed(id);
          return removed;
        }),
    };
  }

  #results(process: SimProcess): ResultStore {
    const { server, oracle, plan } = this.#options;
    const at = server.results as ResultStore;
    return {
      storesWithSettlement: !plan.separateResults,
      store: (id, result, ttlMs, options) =>
        this.#call(process, async () => {
          const isKept = options?.onlyIfNone === true && (await at.load(id, NO_WAIT)) !== undefined;
          await at.store(id, result, ttlMs, options);
          if (!isKept) oracle.storedResult(id, result, process.name);
        }),
      load: (id, signal) => this.#call(process, () => at.load(id, signal)),
    };
  }

  #subscription(process: SimProcess, at: Subscription): Subscription {
    const { oracle } = this.#options;
    const settle = (settlements: readonly Settlement[]) =>
      this.#call(process, async () => {
        const lost = new Set(await at.settle(settlements));
        for (const one of settlements) oracle.settled(one, lost.has(one.delivery), process.name);
        return [...lost];
      });
    return {
      receive: (limit, options) => this.#receive(process, at, limit, options, settle),
      settle,
      extend: (deliveries) => this.#call(process, () => at.extend(deliveries)),
      close: () => at.close(),
    };
  }

  async #receive(
    process: SimProcess,
    at: Subscription,
    limit: number,
    { signal, wait }: { readonly signal: AbortSignal; readonly wait: boolean },
    settle: Subscription['settle'],
  ): Promise<readonly Delivery[]> {
    const { oracle, plan } = this.#options;
    // The server notices an abort, or the end of the process, and ends the wait.
    const gone = new AbortController();
    process.onDeath(() => gone.abort());
    const letGo = () => this.#options.after(this.#latency(), () => gone.abort());
    signal.addEventListener('abort', letGo, { once: true });
    if (signal.aborted) return [];
    const claim = async () => {
      const deliveries = await at.receive(limit, { signal: gone.signal, wait });
      for (const delivery of deliveries) oracle.claimed(delivery, process.name);
      return deliveries;
    };
    try {
      const deliveries = await this.#call(process, claim, { repeats: 'never', asksAgain: !plan.orphanedClaims });
      if (!signal.aborted || deliveries.length === 0) return deliveries;
      await settle(deliveries.map((delivery) => ({ kind: 'release', delivery }))).catch(() => undefined);
      return [];
    } finally {
      signal.removeEventListener('abort', letGo);
    }
  }

  /**
   * Makes one request, and delivers its answer.
   * @param repeats when a copy of the request may arrive
   * @param asksAgain whether a client whose answer was lost gets the same answer when it repeats the request
   */
  #call<T>(
    process: SimProcess,
    execute: () => Promise<T>,
    { repeats = 'later', asksAgain = false }: CallOptions = {},
  ): Promise<T> {
    const { plan, random, after } = this.#options;
    const hit = (share: number) => random() < share && !this.#isHealed;
    const requestMs = this.#latency();
    const replyMs = this.#latency();
    const [dropsRequest, dropsReply, duplicates] = [
      hit(plan.droppedRequests),
      hit(plan.droppedReplies),
      hit(plan.duplicatedRequests),
    ];
    return new Promise((resolve, reject) => {
      const giveUp = () => process.gate(() => reject(new BrokerUnavailableError('no answer')));
      if (dropsRequest) {
        after(PATIENCE_MS, giveUp);
        return;
      }
      after(requestMs, () => {
        execute().then(
          (answer) => {
            if (!dropsReply) after(replyMs, () => process.gate(() => resolve(answer)));
            else if (asksAgain) after(PATIENCE_MS, () => process.gate(() => resolve(answer)));
            else after(PATIENCE_MS, giveUp);
          },
          (error: unknown) => after(replyMs, () => process.gate(() => reject(error))),
        );
        if (duplicates && repeats !== 'never') {
          after(repeats === 'later' ? this.#latency() : 0, () => void execute().catch(() => undefined));
        }
      });
    });
  }

  #latency(): number {
    return Math.floor(this.#options.random() * this.#options.plan.latencyMs);
  }
}
