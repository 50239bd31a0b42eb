import type { LiveEvent, LiveRows, Topic } from '../api/types.ts';
import type { User } from '../access/user.ts';
import { badRequest } from '../http/api-error.ts';
import { frame } from '../http/event-stream.ts';
import { overviewOf } from '../sampling/overview.ts';
import type { Sample } from '../sampling/sample.ts';
import { visibleQueues, visibleTasks, visibleWorkers } from '../shown/visible.ts';

const TOPICS: readonly string[] = ['overview', 'queues', 'workers', 'tasks', 'bulk'];
const MOST_TOPICS = 10;

/** Reads the parameter `topics`. @throws ApiError 400 for an unknown topic, 404 for a queue that the user does not see */
export function topicsIn(text: string, user: User): readonly Topic[] {
  const topics = [...new Set(text.split(',').filter((topic) => topic !== ''))];
  if (topics.length === 0 || topics.length > MOST_TOPICS)
    throw badRequest(`topics must name 1 to ${MOST_TOPICS} topics`);
  for (const topic of topics) {
    if (topic.startsWith('queue:')) user.checkSees(topic.slice('queue:'.length));
    else if (!TOPICS.includes(topic)) throw badRequest(`unknown topic ${JSON.stringify(topic.slice(0, 60))}`);
  }
  return topics as readonly Topic[];
}

type Rows = readonly { readonly key: string; readonly json: string }[];

/**
 * The events of topics for users of the same rights. Each sample is written as JSON once, however many pages are open;
 * rows that did not change are left out.
 */
export class TopicEvents {
  readonly #user: User;
  readonly #last = new Map<string, ReadonlyMap<string, string>>();
  readonly #written = new Map<string, { readonly sample: Sample; readonly whole: string; readonly changes: string }>();

  constructor(user: User) {
    this.#user = user;
  }

  /** @param isFirst whether everything is sent, or what has changed since the sample before */
  frames(topic: Exclude<Topic, 'bulk'>, sample: Sample, isFirst: boolean): string {
    let written = this.#written.get(topic);
    if (written?.sample !== sample) {
      written = { sample, ...this.#write(topic, sample) };
      this.#written.set(topic, written);
    }
    return isFirst ? written.whole : written.changes;
  }

  #write(topic: Exclude<Topic, 'bulk'>, sample: Sample): { readonly whole: string; readonly changes: string } {
    const user = this.#user;
    switch (topic) {
      case 'queues':
        return this.#rows(
          topic,
          sample,
          visibleQueues(sample, user).map((row) => ({ key: row.name, json: JSON.stringify(row) })),
        );
      case 'workers':
        return this.#rows(
          topic,
          sample,
          visibleWorkers(sample, user).map((row) => ({ key: row.id, json: JSON.stringify(row) })),
        );
      case 'tasks':
        return this.#rows(
          topic,
          sample,
          visibleTasks(sample, user).map((row) => ({ key: `${row.queue} ${row.task}`, json: JSON.stringify(row) })),
        );
      case 'overview': {
        const value = overviewOf(sample, visibleQueues(sample, user), user.seesAll);
        return single({ topic, at: sample.at, value });
      }
      default: {
        const value = sample.queues.get(topic.slice('queue:'.length));
        return value === undefined ? { whole: '', changes: '' } : single({ topic, at: sample.at, value });
      }
    }
  }

  #rows(
    topic: 'queues' | 'workers' | 'tasks',
    { at, error }: Sample,
    rows: Rows,
  ): { readonly whole: string; readonly changes: string } {
    const before = this.#last.get(topic) ?? new Map<string, string>();
    const now = new Map(rows.map(({ key, json }) => [key, json]));
    this.#last.set(topic, now);
    const changed = rows.filter(({ key, json }) => before.get(key) !== json);
    const gone = [...before.keys()].filter((key) => !now.has(key));
    const more = { topic, at, gone, error };
    return {
      whole: rowsFrame({ ...more, gone: [] }, true, rows),
      // Also without changes: the page sees that the figures are of now.
      changes: rowsFrame(more, false, changed),
    };
  }
}

function single(event: LiveEvent): { readonly whole: string; readonly changes: string } {
  const text = frame(JSON.stringify(event));
  return { whole: text, changes: text };
}

function rowsFrame(
  { topic, at, gone, error }: Pick<LiveRows<Topic, never>, 'topic' | 'at' | 'gone'> & { readonly error: unknown },
  whole: boolean,
  rows: Rows,
): string {
  const head = JSON.stringify({ topic, at, whole, gone, ...(error !== undefined && { error }) });
  return frame(`${head.slice(0, -1)},"items":[${rows.map(({ json }) => json).join(',')}]}`);
}
