import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { RabbitServer } from './rabbitmq-server.ts';
import { RedisServer } from './redis-server.ts';

/** Both servers and a folder for the tests of a file that starts processes and kills them. It leaves nothing behind. */
export class KilledProcesses {
  readonly #children = new Set<ChildProcess>();
  readonly #folder = mkdtempSync(join(tmpdir(), 'brokkr-killed-'));
  #servers: readonly [RedisServer, RabbitServer] | undefined;

  constructor() {
    beforeAll(async () => {
      this.#servers = await Promise.all([RedisServer.start(), RabbitServer.start()]);
    }, 90_000);
    afterAll(async () => {
      for (const child of this.#children) child.kill('SIGKILL');
      await Promise.all(this.#servers?.map((server) => server.stop()) ?? []);
      rmSync(this.#folder, { recursive: true });
    }, 30_000);
  }

  get redis(): RedisServer {
    if (this.#servers === undefined) throw new Error('the servers have not started');
    return this.#servers[0];
  }

  get rabbit(): RabbitServer {
    if (this.#servers === undefined) throw new Error('the servers have not started');
    return this.#servers[1];
  }

  /** Starts Node with these arguments. Its output is dropped: what counts is written to a file of `notes`. */
  run(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '', ...env }, stdio: 'ignore' });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Makes an empty file, and returns its path with a function that reads its lines. */
  notes(name: string): { readonly file: string; readonly lines: () => string[] } {
    const file = join(this.#folder, name);
    writeFileSync(file, '');
    return { file, lines: () => readFileSync(file, 'utf8').trim().split('\n') };
  }
}
