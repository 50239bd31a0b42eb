import {
  type BulkOptions,
  checkLetterChoice,
  checkQueueName,
  type Envelope,
  type LetterChoice,
  PAGE_LIMIT,
  redriveEnvelope,
  type ServerClock,
} from '@brokkr/core/adapter';
import type { Message } from 'amqplib';
import type { Addresses } from '../publishing/addresses.ts';
import type { Publisher } from '../publishing/publisher.ts';
import type { Outcome } from '../publishing/send-batch.ts';
import type { Names } from '../topology/names.ts';
import { envelopeOf } from './envelope-of.ts';
import type { QueueBrowser } from './queue-browser.ts';
import type { QueueLooks } from './queue-looks.ts';
import { withServerDeath } from './server-death.ts';

export interface DeadLettersOptions {
  readonly looks: QueueLooks;
  readonly names: Names;
  readonly addresses: Addresses;
  readonly publisher: Publisher;
  readonly clock: ServerClock;
}

/** Does something with letters before they are removed, and returns the outcome of each: those with an error stay. */
type Change = (letters: readonly Message[]) => Promise<readonly Outcome[]>;

/** Redrives and discards dead letters. Letters that are not chosen return to their places. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** See `Inspector.bury`. @throws the error of the first letter that the server did not store */
  async bury(queue: string, letters: readonly Envelope[]): Promise<void> {
    checkQueueName(queue);
    const { publisher, addresses } = this.#options;
    const outcomes = await publisher.send(letters.map((letter) => addresses.toDeadLetters(queue, letter)));
    for (const error of outcomes) if (error !== undefined) throw error;
  }

  /** See `Inspector.redrive`. A letter is removed after its message is stored in the queue. */
  redrive(queue: string, which: LetterChoice, options?: BulkOptions): Promise<number> {
    const { publisher, addresses, clock } = this.#options;
    return this.#change(queue, which, options, (letters) =>
      publisher.send(
        letters.map((letter) =>
          addresses.toQueueWhenDue(redriveEnvelope(envelopeOf(letter, queue, clock), queue, Date.now())),
        ),
      ),
    );
  }

  /** See `Inspector.discard`. */
  discard(queue: string, which: LetterChoice, options?: BulkOptions): Promise<number> {
    return this.#change(queue, which, options, async (letters) => letters.map(() => undefined));
  }

  /** Changes the chosen letters among those that are there at the start. */
  async #change(
    queue: string,
    which: LetterChoice,
    { signal, batch = PAGE_LIMIT, onBatch }: BulkOptions = {},
    change: Change,
  ): Promise<number> {
    checkLetterChoice(which);
    const { looks } = this.#options;
    const [source] = (await looks.sources(queue, 'dead')) as readonly [string];
    const wanted = Array.isArray(which) ? new Set<string>(which) : undefined;
    const isChosen = this.#chooser(queue, which, wanted);
    const isAborted = () => signal?.aborted === true;
    const size = Math.min(PAGE_LIMIT, Math.max(1, batch));
    let before = 0;
    let done = 0;
    let looked = 0;
    try {
      await looks.run(source, async (browser) => {
        before = await looks.count(source);
        if (before === 0) return;
        let chosen: Message[] = [];
        const finish = async () => {
          done += await changed(browser, chosen, change);
          chosen = [];
          await onBatch?.({ done, looked });
        };
        while (looked < before && wanted?.size !== 0 && !isAborted()) {
          const letters = await browser.next(before - looked);
          if (letters.length === 0) break;
          for (const letter of letters) {
            looked++;
            if (isChosen(letter)) chosen.push(letter);
            if (chosen.length >= size) await finish();
            if (isAborted()) break;
          }
        }
        if (chosen.length > 0 && !isAborted()) await finish();
        await browser.rest();
      });
    } finally {
      if (before > 0) await looks.untilBack(source, before - done);
    }
    return done;
  }

  #chooser(queue: string, which: LetterChoice, wanted: Set<string> | undefined): (letter: Message) => boolean {
    if (wanted !== undefined) return ({ properties }) => wanted.delete(String(properties.messageId));
    if (typeof which !== 'function') return () => true;
    const { names, clock } = this.#options;
    const queues = [names.queue(queue), names.quarantine(queue)];
    return (letter) => which(withServerDeath(envelopeOf(letter, queue, clock), letter, queues));
  }
}

/** Changes letters, removes those that were changed, and returns how many. @throws the error of the first other letter */
async function changed(browser: QueueBrowser, letters: readonly Message[], change: Change): Promise<number> {
  const outcomes = await change(letters);
  const gone = letters.filter((_, index) => outcomes[index] === undefined);
  await browser.ack(gone);
  const error = outcomes.find((outcome) => outcome !== undefined);
  if (error === undefined) return gone.length;
  await browser.restOfRedelivered().catch(() => undefined);
  throw error;
}
