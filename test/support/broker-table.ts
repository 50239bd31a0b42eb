import type { Broker } from '@brokkr/core';
import type { BrokerCapabilities, BrokerParts } from '@brokkr/core/adapter';
import { createBroker as createAmqpBroker } from '@brokkr/broker-amqp';
import { createBroker as createMemoryBroker } from '@brokkr/broker-memory';
import { createBroker as createRedisBroker } from '@brokkr/broker-redis';

/** One line of the table: a feature, and its cell for a broker, from the broker's capabilities and parts. */
interface Row {
  readonly feature: string;
  /** Also in the README. */
  readonly isMajor?: boolean;
  readonly cell: (broker: Offer) => string;
}

/** A broker, as the table describes it. */
interface Offer {
  readonly isInProcess: boolean;
  readonly capabilities: BrokerCapabilities;
  /** Whether the leases of a worker can be ended before their time. */
  readonly releasesWorkers: boolean;
  /** Parts that the broker has. */
  readonly has: { readonly [P in keyof Required<BrokerParts>]: boolean };
}

const yes = (given: boolean, otherwise = 'no') => (given ? 'yes' : otherwise);

const ROWS: readonly Row[] = [
  {
    feature: 'Several processes; `brokkr send`, `queues`, `dead`, `move`',
    isMajor: true,
    cell: ({ isInProcess }) => yes(!isInProcess),
  },
  {
    feature: 'Messages survive a restart of the server',
    isMajor: true,
    cell: ({ capabilities }) => yes(capabilities.persistent),
  },
  { feature: 'First in, first out', cell: ({ capabilities }) => yes(capabilities.ordered) },
  {
    feature: 'On an idle broker a delayed task starts late by at most',
    isMajor: true,
    cell: ({ capabilities }) => seconds(capabilities.delayResolutionMs),
  },
  {
    feature: '`timeout` of a task must be below',
    isMajor: true,
    cell: ({ capabilities }) =>
      capabilities.timeoutLimit === undefined
        ? 'no limit'
        : `80 % of \`consumer_timeout\`: ${capabilities.timeoutLimit.ms / 60_000} min by default`,
  },
  { feature: '`idempotencyKey`', isMajor: true, cell: ({ capabilities }) => yes(capabilities.idempotency) },
  { feature: '`handle.cancel()`', isMajor: true, cell: ({ has }) => yes(has.messages) },
  {
    feature: '`handle.cancel({ running: true })`; pauses and progress without delay',
    cell: ({ has }) => yes(has.signals),
  },
  { feature: '`tm.workers()` lists the living workers of every host', cell: ({ has }) => yes(has.workers) },
  {
    feature: '`handle.result()`',
    isMajor: true,
    cell: ({ has }) => yes(has.results, 'if `TASK_RESULT_URL` or `TASK_STORE_URL` names a Redis'),
  },
  {
    feature: '[`unique`, `throttle`, `debounce`](tasks.md#join-messages-with-the-same-key)',
    isMajor: true,
    cell: ({ capabilities }) => yes(capabilities.collapse === true, 'if `TASK_STORE_URL` names a Redis'),
  },
  {
    feature: '[Steps](tasks.md#go-on-where-a-task-stopped) of a task: `step()`',
    isMajor: true,
    cell: ({ has }) => yes(has.records, 'if `TASK_STORE_URL` names a Redis'),
  },
  {
    feature: '[Limits](limits.md) of rate and concurrency',
    isMajor: true,
    cell: ({ has }) => yes(has.limits, 'if `TASK_STORE_URL` names a Redis'),
  },
  {
    feature: '`brokkr queues` counts',
    isMajor: true,
    cell: ({ has, capabilities, isInProcess }) => {
      if (isInProcess) return 'no command; in code, all states';
      if (!has.inspector) return 'nothing';
      return capabilities.counts === 'exact' ? 'all states' : 'ready, delayed, dead';
    },
  },
  {
    feature: 'Dead letters: list, show, retry, discard',
    cell: ({ has, isInProcess }) => (isInProcess && has.inspector ? 'in code only' : yes(has.inspector)),
  },
  {
    feature: 'A supervisor returns the messages of a dead child at once (`brokkr worker -p`)',
    cell: ({ releasesWorkers, isInProcess }) =>
      isInProcess ? 'one process only' : yes(releasesWorkers, 'the server does it'),
  },
  {
    feature: '[Schedules](scheduler.md): each tick is sent',
    isMajor: true,
    cell: ({ capabilities, has }) => {
      if (capabilities.idempotency) return 'once';
      return has.elections ? 'once; perhaps twice when the leader dies' : 'once by each scheduler';
    },
  },
  { feature: 'Schedules: last ticks and pauses are remembered', cell: ({ has }) => yes(has.states) },
  { feature: '`brokkr doctor` judges the server', cell: ({ has }) => yes(has.diagnostics, 'no server') },
];

const BROKERS = [
  ['memory', createMemoryBroker, 'memory:'],
  ['[Redis](redis.md)', createRedisBroker, 'redis://127.0.0.1:6379'],
  ['[RabbitMQ](rabbitmq.md)', createAmqpBroker, 'amqp://127.0.0.1'],
] as const;

/** The table of `docs/brokers.md`, or the shorter one of the README. Connects to nothing. */
export async function brokerTable({ isMajor }: { readonly isMajor: boolean }): Promise<string> {
  const offers = await offersOfAll();
  const rows = ROWS.filter((row) => !isMajor || row.isMajor).map(({ feature, cell }) => [feature, ...offers.map(cell)]);
  const table = [['', ...BROKERS.map(([name]) => name)], ['---', '---', '---', '---'], ...rows];
  const markdown = table.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return isMajor ? markdown.replaceAll(/\]\((?=[a-z]+\.md)/g, '](docs/') : markdown;
}

/** Returns the capabilities and parts that no row of the table covers. */
export async function leftOut(): Promise<readonly string[]> {
  const read = new Set<PropertyKey>();
  const known = new Set<string>();
  for (const { has, capabilities, ...others } of await offersOfAll()) {
    for (const name of Object.keys({ ...capabilities, ...has })) known.add(name);
    const offer = { ...others, capabilities: watched(capabilities, read), has: watched(has, read) };
    for (const { cell } of ROWS) cell(offer);
  }
  return [...known].filter((name) => !read.has(name)).sort();
}

function watched<T extends object>(object: T, read: Set<PropertyKey>): T {
  return new Proxy(object, {
    get: (target, name) => {
      read.add(name);
      return Reflect.get(target, name);
    },
  });
}

function offersOfAll(): Promise<readonly Offer[]> {
  return Promise.all(BROKERS.map(([, create, url]) => offerOf(create(url, {}), url)));
}

async function offerOf(broker: Broker, url: string): Promise<Offer> {
  const { capabilities, publish, subscribe, close, ...own } = broker;
  await broker.close();
  const has = new Proxy({ ...own }, { get: (parts, name) => Reflect.get(parts, name) !== undefined });
  const releasesWorkers = own.workers?.release !== undefined;
  return { isInProcess: url.startsWith('memory:'), capabilities, releasesWorkers, has: has as unknown as Offer['has'] };
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}
