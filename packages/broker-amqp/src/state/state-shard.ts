import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerUnavailableError } from '@brokkr/core/adapter';
import type { ConfirmChannel, GetMessage } from 'amqplib';
import { blocked, NOT_FOUND, replyCode, unavailable } from '../connection/amqp-errors.ts';
import { Declarer, type DeclarerOptions } from '../topology/declarer.ts';
import type { AmqpElections } from './elections.ts';

export interface StateShardOptions extends DeclarerOptions {
  readonly elections: AmqpElections;
  /**
   * Is set for a shard that only reads, over a connection that an alarm does not stop. It is called when the message must be
   * replaced.
   */
  readonly onWorn?: (() => void) | undefined;
}

/**
 * A message that is missing for this long is held by no process: the server ends a connection that is silent for 20 s.
 */
const ABANDONED_MS = 30_000;
const AGAIN_MS = 5;
const LONGEST_PAUSE_MS = 100;
/** A quorum queue logs every delivery until the message is removed. After this many reads the message is replaced. */
const MOST_READS = 500;
/** The message is asked for in shorter pauses: a server that said nothing for so long does not answer. */
const SILENT_MS = 1_000;
const FOUNDING = 'state.founding';

type Values = Map<string, string>;

/** A call that waits for its turn. A call that timed out has left. */
interface Call {
  readonly use: (values: Values) => () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Values in the only message of a queue. The process that holds the message has exclusive access. It publishes its
 * changes, and then acknowledges the message in one call, so that the end of a process leaves one of the two. All calls
 * of this process that wait when the message arrives share it.
 */
export class StateShard {
  readonly #queue: string;
  readonly #options: StateShardOptions;
  readonly #calls = new Set<Call>();
  #channel: ConfirmChannel | undefined;
  #isWorking = false;
  /** When the server last answered that another process holds the message, on the monotonic clock. */
  #missedAt = Number.NEGATIVE_INFINITY;

  constructor(queue: string, options: StateShardOptions) {
    this.#queue = queue;
    this.#options = options;
  }

  /**
   * Calls `use` with the values. Resolves once its changes are stored.
   * @throws BrokerUnavailableError if that takes too long
   */
  run<T>(use: (values: Values) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        this.#calls.delete(call);
      };
      const call: Call = {
        use: (values) => {
          const answer = use(values);
          return () => {
            leave();
            resolve(answer);
          };
        },
        fail: (error) => {
          leave();
          reject(unavailable(error, this.#options.connection.address));
        },
      };
      const timer = setTimeout(() => call.fail(this.#timedOut()), this.#options.connection.timeoutMs);
      this.#calls.add(call);
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    while (this.#calls.size > 0) {
      const taken: Call[] = [];
      if (this.#isRefused) {
        for (const call of [...this.#calls]) call.fail(blocked());
        break;
      }
      try {
        await this.#turn(taken);
      } catch (error) {
        // Closing the channel returns the message that it holds.
        await this.#channel?.close().catch(() => undefined);
        this.#channel = undefined;
        for (const call of taken.length > 0 ? taken : [...this.#calls]) call.fail(error);
      }
    }
    this.#isWorking = false;
  }

  /** In an alarm a change is refused before the message is taken: this process would hold it until the alarm ends. */
  get #isRefused(): boolean {
    const { onWorn, connection } = this.#options;
    return onWorn === undefined && connection.isBlocked;
  }

  /** @param taken the calls that share the message, once it has arrived */
  async #turn(taken: Call[]): Promise<void> {
    const { onWorn } = this.#options;
    const [channel, message] = await this.#take();
    const before = message === undefined ? '' : message.content.toString();
    const values = parsed(before);
    taken.push(...this.#calls);
    this.#calls.clear();
    const answers = taken.map(({ use }) => use(values));
    if (onWorn !== undefined) {
      if (message !== undefined) channel.nack(message, false, true);
      if (message !== undefined && reads(message) >= MOST_READS) onWorn();
      for (const answer of answers) answer();
      return;
    }
    const after = JSON.stringify(Object.fromEntries(values));
    if (message !== undefined && after === before && reads(message) < MOST_READS) {
      channel.nack(message, false, true);
    } else {
      channel.sendToQueue(this.#queue, Buffer.from(after), { persistent: true });
      if (message !== undefined) channel.ack(message);
      await channel.waitForConfirms();
    }
    for (const answer of answers) answer();
  }

  /** Returns the message, and the channel that holds it; no message if its holder has lost it. */
  async #take(): Promise<readonly [ConfirmChannel, GetMessage | undefined]> {
    const giveUpAt = performance.now() + ABANDONED_MS;
    for (let pauseMs = AGAIN_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const channel = await this.#open();
      try {
        const message = await channel.get(this.#queue);
        if (message !== false) return [channel, message];
        this.#missedAt = performance.now();
        if (performance.now() > giveUpAt) return [channel, undefined];
        await sleep(pauseMs * (0.5 + Math.random()));
      } catch (error) {
        if (replyCode(error) !== NOT_FOUND || !/no queue/.test(String(error))) throw error;
        this.#channel = undefined;
        // A queue that no process has founded holds no values.
        if (this.#options.onWorn !== undefined) return [await this.#open(), undefined];
        await this.#found();
      }
    }
  }

  /**
   * Creates the queue and its first message. Only one process may do that, because a second one would remove the values
   * of the first.
   */
  async #found(): Promise<void> {
    const { elections, connection } = this.#options;
    const leadership = await elections.stand(FOUNDING, AbortSignal.timeout(connection.timeoutMs));
    if (leadership === undefined) throw this.#timedOut();
    try {
      const isThere = await connection
        .withChannel((channel) => channel.checkQueue(this.#queue))
        .then(() => true)
        .catch((error: unknown) => {
          if (replyCode(error) === NOT_FOUND) return false;
          throw error;
        });
      if (isThere) return;
      const declarer = new Declarer(this.#options);
      await declarer
        .declareQueue(this.#queue, { 'x-max-length': 1, 'x-overflow': 'drop-head' }, Buffer.from('{}'))
        .finally(() => declarer.close());
    } finally {
      await leadership.release();
    }
  }

  async #open(): Promise<ConfirmChannel> {
    if (this.#channel !== undefined) return this.#channel;
    const channel = await this.#options.connection.openConfirmChannel();
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    this.#channel = channel;
    return channel;
  }

  #timedOut(): BrokerUnavailableError {
    const { trouble, address } = this.#options.connection;
    if (trouble !== undefined) return unavailable(trouble, address);
    if (performance.now() - this.#missedAt > SILENT_MS) {
      return unavailable(new Error(`no answer in time about the state in ${this.#queue}`), address);
    }
    return new BrokerUnavailableError(
      `state in ${this.#queue}: RabbitMQ at ${address} answers, but another process held the state all the time; try again`,
    );
  }
}

/** Content that Brokkr did not write counts as empty. */
function parsed(content: string): Values {
  try {
    const values: unknown = JSON.parse(content);
    return new Map(Object.entries(values ?? {}).filter(([, value]) => typeof value === 'string'));
  } catch {
    return new Map();
  }
}

function reads({ properties }: GetMessage): number {
  return Number(properties.headers?.['x-delivery-count'] ?? 0);
}
