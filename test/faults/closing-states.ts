import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBroker, openBroker } from '@brokkr/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/redis-server.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import type { FaultBroker, FaultServer } from './fault-server.ts';

const root = join(import.meta.dirname, '..', '..');
const TIMEOUT_MS = 1_000;
/** Shutdown timeout, timeout of one call, and one second for a socket that closes on a busy machine. */
const BOUND_MS = 2 * TIMEOUT_MS + 1_500;

/** Ways to use a broker, each in its own process: `test/fixtures/closing.mjs`. */
const USES = [
  'nothing',
  'an idle worker',
  'a worker that runs a task',
  'a worker at full speed',
  'a sender',
  'a caller that waits for a result',
  'an inspector',
] as const;
type Use = (typeof USES)[number];

/** Ways to run `brokkr worker`. A worker that interrupts a task ends with code 1. */
const WORKERS: readonly { readonly name: string; readonly processes: number; readonly isBusy: boolean }[] = [
  { name: 'an idle worker', processes: 1, isBusy: false },
  { name: 'a worker that runs a task', processes: 1, isBusy: true },
  { name: 'a supervisor with two idle workers', processes: 2, isBusy: false },
  { name: 'a supervisor with two workers, one of which runs a task', processes: 2, isBusy: true },
];

/** A state of the connection in which a process is closed. */
interface ConnectionState {
  readonly name: string;
  /** Changes the server or the network, once every process has reached its use. */
  readonly enter: (server: FaultServer, proxy: TcpProxy) => Promise<void>;
  /** Port to which the processes connect. @default the proxy before the server */
  readonly port?: () => Promise<number>;
  /** The processes never reach the server: they are closed while they try. */
  readonly isNeverReached?: boolean;
}

async function swallowAll(_: FaultServer, proxy: TcpProxy): Promise<void> {
  proxy.mode = 'half-open';
}

/** Every state of a connection. The tests of both brokers go through all of them. */
const STATES: readonly ConnectionState[] = [
  { name: 'connected', enter: async () => undefined },
  { name: 'gone, at once', enter: (server) => server.kill() },
  {
    name: 'gone, and reconnecting with a backoff',
    enter: async (server) => {
      await server.kill();
      await sleep(1_500);
    },
  },
  { name: 'hanging, at once', enter: async (server) => server.pause() },
  {
    name: 'hanging for longer than the timeout of a call',
    enter: async (server) => {
      server.pause();
      await sleep(2 * TIMEOUT_MS);
    },
  },
  {
    name: 'back after it was gone',
    enter: async (server) => {
      await server.kill();
      await server.run();
    },
  },
  {
    name: 'reconnected after it was gone',
    enter: async (server) => {
      await server.kill();
      await server.run();
      await sleep(2_500);
    },
  },
  {
    name: 'in the handshake with a server that never answers',
    enter: async () => undefined,
    isNeverReached: true,
  },
  {
    name: 'reconnecting, in the handshake with a server that never answers',
    enter: async (_, proxy) => {
      proxy.mode = 'half-open';
      proxy.reset();
      await sleep(300);
    },
  },
  { name: 'half-open: no byte arrives, and no side knows', enter: swallowAll },
  { name: 'refused: nothing listens', enter: async () => undefined, port: freePort, isNeverReached: true },
];

interface Ending {
  /** Milliseconds from the order to close until the end of the process. */
  readonly endedAfterMs: number;
  readonly code: number | null;
  /** Code of the error that `close()` rejected with. */
  readonly error?: string;
}

/**
 * Tests `close()` and SIGTERM in every state of a connection.
 * @param keepsResults whether the broker is a result store
 */
export function closingStates(broker: FaultBroker, { keepsResults = true } = {}): void {
  const uses = USES.filter((use) => keepsResults || use !== 'a caller that waits for a result');
  let server: FaultServer;
  let proxy: TcpProxy;
  const children = new Set<ChildProcess>();

  beforeEach(async () => {
    server = await broker.start();
    proxy = await TcpProxy.open(server.port);
  }, 60_000);
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
    server.resume();
    await proxy.close();
    await server.stop();
  });

  function start(args: readonly string[], port: number, stdio: 'ipc' | 'pipe'): ChildProcess {
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      TASK_BROKER_URL: server.urlAt(port),
      TASK_SEND_TIMEOUT: `${TIMEOUT_MS}ms`,
      TASK_SHUTDOWN_TIMEOUT: `${TIMEOUT_MS}ms`,
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'json',
      CLOSING_RESULT: keepsResults ? '1m' : '',
    };
    const child = spawn(process.execPath, args, {
      env,
      stdio: stdio === 'ipc' ? ['ignore', 'ignore', 'ignore', 'ipc'] : ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  }

  async function enter(state: ConnectionState, reached: readonly Promise<unknown>[]): Promise<void> {
    await Promise.all(reached);
    if (state.isNeverReached) await sleep(300);
    await state.enter(server, proxy);
  }

  async function portOf({ port, isNeverReached }: ConnectionState): Promise<number> {
    if (port === undefined && isNeverReached) proxy.mode = 'half-open';
    return port === undefined ? proxy.port : port();
  }

  describe(`${broker.name}: close() ends the process in time`, () => {
    it.each(STATES)(
      'when the server is $name',
      async (state) => {
        const port = await portOf(state);
        const used = uses.map((use) => start([join(root, 'test/fixtures/closing.mjs'), use], port, 'ipc'));
        await enter(
          state,
          used.map((child) => untilMessage(child, state.isNeverReached ? 'begun' : 'reached')),
        );
        const endings = await Promise.all(used.map(closing));
        expect(Object.fromEntries(uses.map((use, index) => [use, verdict(endings[index] as Ending)]))).toEqual(
          Object.fromEntries(uses.map((use: Use) => [use, 'ended in time, with code 0'])),
        );
      },
      60_000,
    );
  });

  describe(`${broker.name}: SIGTERM ends brokkr worker in time`, () => {
    it.each(STATES)(
      'when the server is $name',
      async (state) => {
        const port = await portOf(state);
        const workers = WORKERS.map((worker, index) => {
          const app = join(root, 'test/fixtures/apps/closing.ts');
          const queue = `jobs${index}`;
          const command = [join(root, 'packages/cli/bin/brokkr.js'), 'worker', '-a', app, '-q', queue];
          if (worker.processes > 1) command.push('-p', String(worker.processes));
          return { ...worker, queue, output: new Output(start(command, port, 'pipe')) };
        });
        if (!state.isNeverReached) await sendEach(workers.filter(({ isBusy }) => isBusy).map(({ queue }) => queue));
        await enter(
          state,
          workers.map(async ({ output, processes, isBusy }) => {
            if (state.isNeverReached) return output.until('begun', 1);
            await output.until('"worker started"', processes);
            if (isBusy) await output.until('reached', 1);
          }),
        );
        const endings = await Promise.all(workers.map(({ output }) => terminating(output.child)));
        const found = workers.map(({ name }, index) => [name, verdict(endings[index] as Ending)]);
        // A worker that never reached its server may have failed to start.
        const codes = (isBusy: boolean) => (state.isNeverReached ? '[01]' : Number(isBusy));
        const expected = workers.map(({ name, isBusy }) => [
          name,
          expect.stringMatching(`^ended in time, with code ${codes(isBusy)}$`),
        ]);
        expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
      },
      60_000,
    );
  });

  async function sendEach(queues: readonly string[]): Promise<void> {
    const sender = await openBroker(createBroker(server.url, { namespace: 'brokkr', knownQueues: () => queues }));
    for (const queue of queues) {
      const headers = { 'brokkr-task': 'wait', 'brokkr-at': String(Date.now()) };
      await sender.publish([{ id: `in-${queue}`, queue, body: Buffer.from('[]'), headers }]);
    }
    await sender.close();
  }
}

function verdict({ endedAfterMs, code, error }: Ending): string {
  const failed = error === undefined || error === '' ? '' : `, close() rejected with ${error}`;
  const inTime = endedAfterMs <= BOUND_MS ? 'in time' : `after ${Math.round(endedAfterMs)} ms`;
  return `ended ${inTime}, with code ${code}${failed}`;
}

async function untilMessage(child: ChildProcess, expected: string): Promise<void> {
  for (;;) if ((await once(child, 'message'))[0] === expected) return;
}

/** The output of a process. It must be read to the end, or the process could not print. */
class Output {
  readonly child: ChildProcess;
  #printed = '';

  constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => this.#add(bytes));
  }

  #add(bytes: Buffer): void {
    this.#printed += bytes;
  }

  async until(text: string, times: number): Promise<void> {
    await expect
      .poll(() => this.#printed.split(text).length - 1, { timeout: 30_000, interval: 20 })
      .toBeGreaterThanOrEqual(times);
  }
}

async function closing(child: ChildProcess): Promise<Ending> {
  let error = '';
  child.on('message', (message: { error?: string }) => {
    error = message.error ?? error;
  });
  const ended = endingOf(child);
  child.send('close');
  return { ...(await ended), error };
}

function terminating(child: ChildProcess): Promise<Ending> {
  const ended = endingOf(child);
  child.kill('SIGTERM');
  return ended;
}

/** Kills a process that does not end: its code is then null. */
async function endingOf(child: ChildProcess): Promise<Ending> {
  const at = performance.now();
  const killing = setTimeout(() => child.kill('SIGKILL'), BOUND_MS + 8_000);
  const code = child.exitCode ?? ((await once(child, 'exit'))[0] as number | null);
  clearTimeout(killing);
  return { endedAfterMs: performance.now() - at, code };
}
