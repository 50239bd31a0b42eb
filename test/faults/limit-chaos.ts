import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBroker, openBroker } from '@brokkr/core';
import type { Broker, Envelope } from '@brokkr/core/adapter';
import { seededRandom, seedOf } from '../support/seeded-random.ts';

const root = join(import.meta.dirname, '..', '..');
const command = join(root, 'packages', 'cli', 'bin', 'brokkr.js');
const app = join(root, 'test', 'fixtures', 'apps', 'limited.ts');
const QUEUE = 'limited';
const WORKERS = 3;
const LEASE_MS = 2_000;
const SEED = seedOf('BROKKR_FAULT_SEED');

export interface LimitChaosOptions {
  readonly url: string;
  /** The store that counts permits, if the broker cannot. */
  readonly storeUrl?: string;
  readonly task: 'keyed' | 'paced';
  readonly messages: number;
  readonly keys: number;
  readonly kills: number;
}

/** One line that a handler wrote. */
interface Note {
  readonly what: '+' | '-';
  readonly key: string;
  readonly id: string;
  readonly pid: number;
  readonly at: number;
  readonly fence: number;
}

export interface LimitChaosReport {
  readonly kills: number;
  readonly messages: number;
  readonly ended: number;
  readonly starts: number;
  /** Most runs of one key at the same time. */
  readonly mostOfKey: number;
  /** Most starts in any second. */
  readonly mostInSecond: number;
  readonly permitsLeft: number;
  readonly waitersLeft: number;
  /** How often a message was delivered and did not start; left out if the broker does not number deliveries by queue. */
  readonly parksPerMessage: number | undefined;
  readonly seconds: number;
}

export interface UnreachableReport {
  readonly messages: number;
  readonly ended: number;
  readonly mostOfKey: number;
  /** Starts while the store was unreachable, but for those whose permits were granted just before. */
  readonly startsMeanwhile: number;
  readonly permitsLeft: number;
}

/** How long after the store stopped a handler may still begin: its permit was granted before. */
const GRANTED_MS = 500;

/** Pauses the store of limits for `forMs` while workers run messages with limits, until all have run. */
export async function storeUnreachable(
  options: Omit<LimitChaosOptions, 'kills'>,
  store: { pause(): void; resume(): void },
  forMs: number,
): Promise<UnreachableReport> {
  const folder = mkdtempSync(join(tmpdir(), 'brokkr-limits-'));
  const namespace = `l${randomUUID().slice(0, 8)}`;
  const broker = await openBroker(createBroker(options.url, { namespace, knownQueues: () => [QUEUE] }));
  const { storeUrl } = options;
  const counting = storeUrl === undefined ? broker : await openBroker(createBroker(storeUrl, { namespace }));
  const crew = new Crew({ ...options, kills: 0 }, namespace, join(folder, 'notes'));
  try {
    await fill(broker, { ...options, kills: 0 });
    const working = crew.work(broker, { ...options, kills: 0 });
    while (crew.notes().length < options.messages / 5) await sleep(50);
    store.pause();
    const stoppedAt = Date.now();
    await sleep(forMs);
    store.resume();
    const backAt = Date.now();
    await working;
    const starts = crew.notes().filter(({ what, at }) => what === '+' && at > stoppedAt + GRANTED_MS && at < backAt);
    const { ended, mostOfKey } = summary(crew.notes(), crew.deaths);
    const { held: permitsLeft } = await left(counting);
    return { messages: options.messages, ended, mostOfKey, startsMeanwhile: starts.length, permitsLeft };
  } finally {
    store.resume();
    await crew.dismiss();
    await Promise.all([broker.close(), counting.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Kills workers with `kill -9` while they run messages with limits, until all have run. */
export async function limitChaos(options: LimitChaosOptions): Promise<LimitChaosReport> {
  const folder = mkdtempSync(join(tmpdir(), 'brokkr-limits-'));
  const namespace = `l${randomUUID().slice(0, 8)}`;
  const broker = await openBroker(createBroker(options.url, { namespace, knownQueues: () => [QUEUE] }));
  const { storeUrl } = options;
  const store = storeUrl === undefined ? broker : await openBroker(createBroker(storeUrl, { namespace }));
  const crew = new Crew(options, namespace, join(folder, 'notes'));
  try {
    await fill(broker, options);
    const startedAt = performance.now();
    const kills = await crew.work(broker, options);
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    const { held, waiting } = await left(store);
    return {
      kills,
      messages: options.messages,
      ...summary(crew.notes(), crew.deaths),
      permitsLeft: held,
      waitersLeft: waiting,
      parksPerMessage: parks(crew.notes(), options.messages),
      seconds,
    };
  } finally {
    await crew.dismiss();
    await Promise.all([broker.close(), store.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(broker: Broker, { messages, keys, task }: LimitChaosOptions): Promise<void> {
  const random = seededRandom(SEED);
  const envelopes = Array.from({ length: messages }, (_, n): Envelope => {
    const key = `k${n % keys}`;
    const limit = task === 'keyed' ? ['customer', key] : ['service', ''];
    return {
      id: `m-${n}`,
      queue: QUEUE,
      body: Buffer.from(JSON.stringify([key, n, 15 + Math.floor(random() * 30)])),
      headers: {
        'brokkr-task': task,
        'brokkr-at': String(Date.now()),
        'brokkr-limit': JSON.stringify([limit]),
      },
    };
  });
  for (let from = 0; from < messages; from += 500) await broker.publish(envelopes.slice(from, from + 500));
}

/** The workers; one that was killed is replaced. */
class Crew {
  /** When each process ended, epoch milliseconds. */
  readonly deaths = new Map<number, number>();
  readonly #env: NodeJS.ProcessEnv;
  readonly #file: string;
  readonly #workers: ChildProcess[] = [];
  #isDismissed = false;

  constructor({ url, storeUrl }: LimitChaosOptions, namespace: string, file: string) {
    this.#file = file;
    this.#env = {
      ...process.env,
      NODE_OPTIONS: '',
      LIMITED_NOTES: file,
      TASK_BROKER_URL: url,
      ...(storeUrl !== undefined && { TASK_STORE_URL: storeUrl }),
      TASK_NAMESPACE: namespace,
      TASK_LEASE: `${LEASE_MS}ms`,
      TASK_MAX_CRASHES: '100',
      TASK_SHUTDOWN_TIMEOUT: '5s',
      LOG_FORMAT: 'json',
    };
  }

  /** Kills as often as asked, and waits until every message has run. @returns the number of kills */
  async work(broker: Broker, { messages, kills }: LimitChaosOptions): Promise<number> {
    const random = seededRandom(SEED + 1);
    for (let worker = 0; worker < WORKERS; worker++) this.#keep(worker);
    const giveUpAt = performance.now() + 60_000 + messages * 100 + kills * 3_000;
    let killed = 0;
    while (performance.now() < giveUpAt) {
      // A fast machine must not run all messages before the last kill.
      const share = killed < kills ? ((killed + 1) * messages) / (kills + 1) : Number.POSITIVE_INFINITY;
      const pausedUntil = performance.now() + 250 + random() * 500;
      do await sleep(25);
      while (performance.now() < pausedUntil && this.#lines() / 2 < share);
      const running = new Set(this.notes().map(({ pid }) => pid));
      // A worker that has not run anything yet is only starting: its death would show nothing.
      const busy = this.#workers.filter(({ pid, killed: isDead }) => !isDead && running.has(pid ?? 0));
      const worker = busy[Math.floor(random() * busy.length)];
      if (killed < kills && worker !== undefined) {
        worker.kill('SIGKILL');
        killed++;
      }
      const { ready = 0, delayed = 0, running: held = 0 } = (await broker.inspector?.counts(QUEUE)) ?? {};
      const ended = new Set(this.notes().flatMap(({ what, id }) => (what === '-' ? [id] : []))).size;
      if (ended === messages && ready + delayed + held === 0) break;
    }
    return killed;
  }

  /** Each run writes two. */
  #lines(): number {
    return existsSync(this.#file) ? readFileSync(this.#file, 'latin1').split('\n').length - 1 : 0;
  }

  notes(): readonly Note[] {
    if (!existsSync(this.#file)) return [];
    return readFileSync(this.#file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [what, key = '', id = '', pid, at, fence] = line.split(' ');
        return { what: what as Note['what'], key, id, pid: Number(pid), at: Number(at), fence: Number(fence) };
      });
  }

  async dismiss(): Promise<void> {
    this.#isDismissed = true;
    await Promise.all(
      this.#workers.map(async (worker) => {
        if (worker.exitCode !== null || worker.signalCode !== null) return;
        const gone = new Promise((resolve) => worker.once('exit', resolve));
        worker.kill('SIGKILL');
        await gone;
      }),
    );
  }

  #keep(place: number): void {
    const args = [command, 'worker', '-a', app, '-q', QUEUE, '-c', '20'];
    const child = spawn(process.execPath, args, { env: this.#env, stdio: 'ignore' });
    this.#workers[place] = child;
    child.once('exit', () => {
      this.deaths.set(child.pid ?? 0, Date.now());
      if (!this.#isDismissed) this.#keep(place);
    });
  }
}

/** Permits and places in line, once those of killed workers have lapsed. */
async function left(broker: Broker): Promise<{ readonly held: number; readonly waiting: number }> {
  const total = async () => {
    const usage = (await broker.limits?.usage()) ?? [];
    const held = usage.reduce((sum, each) => sum + each.held, 0);
    return { held, waiting: usage.reduce((sum, each) => sum + each.waiting, 0) };
  };
  const giveUpAt = performance.now() + LEASE_MS + 10_000;
  let now = await total();
  while (now.held + now.waiting > 0 && performance.now() < giveUpAt) {
    await sleep(200);
    now = await total();
  }
  return now;
}

function parks(notes: readonly Note[], messages: number): number | undefined {
  const deliveries = notes.reduce((most, { fence }) => Math.max(most, fence), 0);
  if (deliveries > 1_000 * messages) return undefined;
  const starts = notes.filter(({ what }) => what === '+').length;
  return Math.round(((deliveries - starts) / messages) * 100) / 100;
}

/** Replays the notes. A run that a kill has cut ends with its process. */
function summary(notes: readonly Note[], deaths: ReadonlyMap<number, number>) {
  const events = [...notes];
  const open = new Map<string, Note>();
  for (const each of notes) {
    // Two copies of a message may run in one process: RabbitMQ stores the next one before it removes the last.
    const run = `${each.id} ${each.fence}`;
    if (each.what === '+') open.set(run, each);
    else open.delete(run);
  }
  for (const each of open.values())
    events.push({ ...each, what: '-', at: deaths.get(each.pid) ?? Number.POSITIVE_INFINITY });
  events.sort((one, other) => one.at - other.at || (one.what === '-' ? -1 : 1));
  const running = new Map<string, number>();
  let mostOfKey = 0;
  for (const { what, key } of events) {
    const count = (running.get(key) ?? 0) + (what === '+' ? 1 : -1);
    running.set(key, count);
    mostOfKey = Math.max(mostOfKey, count);
  }
  const starts = events.filter(({ what }) => what === '+').map(({ at }) => at);
  let mostInSecond = 0;
  for (let from = 0, to = 0; to < starts.length; to++) {
    while ((starts[to] as number) - (starts[from] as number) >= 1_000) from++;
    mostInSecond = Math.max(mostInSecond, to - from + 1);
  }
  const ended = new Set(notes.flatMap(({ what, id }) => (what === '-' ? [id] : []))).size;
  return { ended, starts: starts.length, mostOfKey, mostInSecond };
}
