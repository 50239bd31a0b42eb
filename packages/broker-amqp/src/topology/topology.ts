import { setTimeout as sleep } from 'node:timers/promises';
import { NOT_FOUND, replyCode, unavailable } from '../connection/amqp-errors.ts';
import type { QueueType } from '../connection/amqp-url.ts';
import { Declarer } from './declarer.ts';
import { type LadderPath, LEVELS, stepMs, TOP_LEVEL } from './delay-ladder.ts';
import type { Connection } from '../connection/connection.ts';
import { ladderPattern, type Names } from './names.ts';
import { queuePlan, REFUSE_WHEN_FULL } from './queue-plan.ts';

/**
 * How long the name of a deleted queue is not declared again. If a queue of the same name is declared before the server
 * has finished the deletion, its consumers stay on the new queue by mistake, and messages that are delivered to them
 * never arrive (RabbitMQ 3.10).
 */
export const DELETED_WITHIN_MS = 500;

/** A sender that only sends with a delay is not notified of the deletion of a queue: it checks this often. */
const SEEN_FOR_MS = 1_000;

export interface TopologyOptions {
  readonly connection: Connection;
  readonly names: Names;
  readonly queueType: QueueType;
}

/** Declares the queues and exchanges that messages need, once for each connection, when they are first needed. */
export class Topology {
  readonly #options: TopologyOptions;
  readonly #declared = new Map<string, Promise<void>>();
  /** Names that are declared. Every message checks this set first. */
  readonly #existing = new Set<string>();
  /** When queues were last found, and the checks in progress, for delayed messages. */
  readonly #seenAt = new Map<string, number>();
  readonly #looking = new Map<string, Promise<void>>();

  constructor(options: TopologyOptions) {
    this.#options = options;
    options.connection.onUp(() => this.forget());
  }

  /** Whether messages may be published to `queue`, over the rungs of `path`, without declaring anything first. */
  has(queue: string, path: LadderPath = []): boolean {
    const { names } = this.#options;
    return (
      this.#existing.has(queue) &&
      (path.length === 0 || this.#isFresh(queue)) &&
      path.every((steps, index) => steps === 0 || this.#existing.has(names.rungKey(queue, TOP_LEVEL - index, steps)))
    );
  }

  /** Declares everything again when it is next needed: the connection is new, or a queue was missing. */
  forget(): void {
    this.#declared.clear();
    this.#existing.clear();
  }

  /**
   * Declares the queue, the exchange through which its ladder delivers to it, its quarantine, its dead letters and
   * their exchange.
   * @throws ConfigError if one exists with other arguments, or may not be declared and does not exist
   */
  declareQueue(queue: string): Promise<void> {
    return this.#once(queue, async (declarer) => {
      const { names } = this.#options;
      const { dead, quarantine, line } = queuePlan(names, queue);
      await declarer.declareExchange(names.deadExchange, 'direct');
      await declarer.declareQueue(dead.name, dead.args);
      await declarer.bindQueue(dead.name, names.deadExchange, queue);
      await declarer.declareQueue(quarantine.name, quarantine.args);
      await declarer.declareQueue(line.name, line.args);
      // If the queue was deleted, its binding went with it, and rungs may still hold its messages: it is bound again.
      await declarer.declareExchange(names.ladder(queue, 0), 'topic');
      await declarer.bindQueue(names.queue(queue), names.ladder(queue, 0), ladderPattern(0, 0));
      this.#seenAt.set(queue, performance.now());
    });
  }

  /** Declares the rungs of a delay, and the exchanges between them. @throws as `declareQueue` */
  async declareLadder(queue: string, path: LadderPath): Promise<void> {
    await this.declareQueue(queue);
    if (!this.#isFresh(queue)) await this.#look(queue);
    await this.#once(`${queue}/ladder`, (declarer) => this.#exchanges(declarer, queue));
    const rungs = path.flatMap((steps, index) => (steps === 0 ? [] : [{ level: TOP_LEVEL - index, steps }]));
    await Promise.all(
      rungs.map(({ level, steps }) =>
        this.#once(this.#options.names.rungKey(queue, level, steps), (declarer) =>
          this.#rung(declarer, queue, level, steps),
        ),
      ),
    );
  }

  async #exchanges(declarer: Declarer, queue: string): Promise<void> {
    const { names } = this.#options;
    await declarer.declareExchange(names.rungs, 'direct');
    await declarer.declareQueue(names.rungs, { 'x-max-length': 1 });
    // Says that this queue has a ladder: see `QueueLooks.withLadders`.
    await declarer.bindQueue(names.rungs, names.rungs, queue);
    // Lowest level first: each leads to the one below, and the exchange of the queue exists.
    for (const level of LEVELS.slice(1)) {
      const ladder = names.ladder(queue, level);
      await declarer.declareExchange(ladder, 'topic');
      await declarer.bindExchange(names.ladder(queue, level - 1), ladder, ladderPattern(level, 0));
    }
  }

  #isFresh(queue: string): boolean {
    return performance.now() - (this.#seenAt.get(queue) ?? Number.NEGATIVE_INFINITY) < SEEN_FOR_MS;
  }

  /** A rung accepts a message even if its queue is gone. Checks the queue, and declares it again if needed. */
  #look(queue: string): Promise<void> {
    const looking = this.#looking.get(queue) ?? this.#find(queue).finally(() => this.#looking.delete(queue));
    this.#looking.set(queue, looking);
    return looking;
  }

  async #find(queue: string): Promise<void> {
    const { connection, names } = this.#options;
    try {
      await connection.withChannel((channel) => channel.checkQueue(names.queue(queue)));
      this.#seenAt.set(queue, performance.now());
    } catch (error) {
      if (replyCode(error) !== NOT_FOUND) throw unavailable(error, connection.address);
      await sleep(DELETED_WITHIN_MS);
      this.forget();
      await this.declareQueue(queue);
    }
  }

  async #rung(declarer: Declarer, queue: string, level: number, steps: number): Promise<void> {
    const { names, queueType } = this.#options;
    const rung = names.rung(queue, level, steps);
    const onward =
      level === 0
        ? { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': names.queue(queue) }
        : { 'x-dead-letter-exchange': names.ladder(queue, level - 1) };
    // At least once: a message stays on its rung until the next queue has confirmed it.
    const safely = queueType === 'quorum' ? { 'x-dead-letter-strategy': 'at-least-once', ...REFUSE_WHEN_FULL } : {};
    await declarer.declareQueue(rung, { 'x-message-ttl': steps * stepMs(level), ...onward, ...safely });
    await declarer.bindQueue(names.rungs, names.rungs, names.rungKey(queue, level, steps));
    // Bound last: before that, nothing can be sent to a rung that leads nowhere.
    await declarer.bindQueue(rung, names.ladder(queue, level), ladderPattern(level, steps));
  }

  #once(key: string, declare: (declarer: Declarer) => Promise<void>): Promise<void> {
    const known = this.#declared.get(key);
    if (known !== undefined) return known;
    const declaring = this.#declare(declare).then(
      () => {
        if (this.#declared.get(key) === declaring) this.#existing.add(key);
      },
      (error: unknown) => {
        if (this.#declared.get(key) === declaring) this.#declared.delete(key);
        throw error;
      },
    );
    this.#declared.set(key, declaring);
    return declaring;
  }

  #declare(declare: (declarer: Declarer) => Promise<void>): Promise<void> {
    return this.#options.connection.inTurn(async () => {
      const declarer = new Declarer(this.#options);
      try {
        await declare(declarer);
      } finally {
        await declarer.close();
      }
    });
  }
}
