import type { BulkJob, LiveRows, Topic } from '../api/types.ts';
import type { User } from '../access/user.ts';
import { ApiError } from '../http/api-error.ts';
import { EventStream, frame } from '../http/event-stream.ts';
import type { Sample } from '../sampling/sample.ts';
import type { BrokerView } from '../shown/broker-view.ts';
import { TopicEvents } from './live-topics.ts';

/** Streams at one time. */
const MOST_STREAMS = 200;
/** After it the server ends a stream: the page opens another one, and its rights are checked again. */
const LONGEST_MS = 600_000;
/** Changes of bulk jobs are sent together. */
const BULK_MS = 1_000;
/** Groups of rights whose events are kept ready. */
const MOST_GROUPS = 50;

interface Group {
  readonly events: TopicEvents;
  streams: number;
}

/** The open streams of live events. */
export class LiveStreams {
  readonly #open = new Set<EventStream>();
  /** By broker and rights. */
  readonly #groups = new Map<string, Group>();

  /** @throws ApiError 503 if too many streams are open */
  async open(view: BrokerView, user: User, topics: readonly Topic[], signal: AbortSignal): Promise<Response> {
    if (this.#open.size >= MOST_STREAMS) {
      throw new ApiError(503, 'TOO_MANY_STREAMS', `${MOST_STREAMS} pages are open already`, {
        headers: { 'retry-after': '10' },
      });
    }
    const group = this.#join(`${view.source.name} ${user.key}`, user);
    const ends: (() => void)[] = [() => this.#leave(group)];
    const stream = new EventStream(() => {
      this.#open.delete(stream);
      for (const end of ends) end();
    });
    this.#open.add(stream);
    const timer = setTimeout(() => stream.end(), LONGEST_MS).unref();
    ends.push(() => clearTimeout(timer));
    const onAbort = () => stream.end();
    signal.addEventListener('abort', onAbort, { once: true });
    ends.push(() => signal.removeEventListener('abort', onAbort));
    this.#follow(view, group.events, topics, stream, ends);
    if (topics.includes('bulk')) this.#followBulk(view, user, stream, ends);
    return stream.response;
  }

  close(): void {
    for (const stream of [...this.#open]) stream.end();
  }

  #follow(
    view: BrokerView,
    events: TopicEvents,
    topics: readonly Topic[],
    stream: EventStream,
    ends: (() => void)[],
  ): void {
    const sampled = topics.filter((topic) => topic !== 'bulk');
    let sent = -1;
    const send = (sample: Sample) => {
      if (sample.number <= sent) return;
      // A page that has missed a sample would miss what changed in it.
      const isFirst = sent < 0 || sample.number !== sent + 1;
      sent = sample.number;
      stream.send(sampled.map((topic) => events.frames(topic, sample, isFirst)).join(''));
    };
    ends.push(view.sampler.watch(send));
    void view.sampler.current().then(send);
  }

  #followBulk(view: BrokerView, user: User, stream: EventStream, ends: (() => void)[]): void {
    let timer: NodeJS.Timeout | undefined;
    const send = () => {
      timer = undefined;
      const items = view.jobs.rows.filter(({ queue }) => user.sees(queue));
      const event: LiveRows<'bulk', BulkJob> = { topic: 'bulk', at: Date.now(), whole: true, items, gone: [] };
      stream.send(frame(JSON.stringify(event)));
    };
    send();
    ends.push(
      view.jobs.watch(() => {
        timer ??= setTimeout(send, BULK_MS).unref();
      }),
      () => clearTimeout(timer),
    );
  }

  #join(key: string, user: User): Group {
    const known = this.#groups.get(key);
    if (known !== undefined) {
      known.streams++;
      return known;
    }
    const made: Group = { events: new TopicEvents(user), streams: 1 };
    for (const [other, { streams }] of this.#groups) {
      if (this.#groups.size < MOST_GROUPS) break;
      if (streams === 0) this.#groups.delete(other);
    }
    this.#groups.set(key, made);
    return made;
  }

  #leave(group: Group): void {
    group.streams--;
  }
}
