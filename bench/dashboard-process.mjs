// `brokkr dashboard` in a process of its own, as it is deployed, and calls of its HTTP API.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const command = fileURLToPath(new URL('../packages/cli/bin/brokkr.js', import.meta.url));

export class DashboardProcess {
  #child;
  #base;
  #cookie;
  #streams = [];

  /** @param args more arguments of the command, @param env its environment */
  static async start(args, env) {
    const dashboard = new DashboardProcess();
    const port = await freePort();
    const all = ['dashboard', '--port', String(port), ...args];
    dashboard.#child = spawn(process.execPath, [command, ...all], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    for await (const chunk of dashboard.#child.stdout) {
      output += chunk;
      if (output.includes('#t=')) break;
    }
    const token = /#t=([\w-]{32})/.exec(output)[1];
    dashboard.#base = `http://127.0.0.1:${port}/api/v1`;
    const login = await fetch(`${dashboard.#base}/login`, {
      method: 'POST',
      headers: { 'x-brokkr': '1', 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    dashboard.#cookie = login.headers.get('set-cookie').split(';', 1)[0];
    return dashboard;
  }

  async get(path) {
    const answer = await fetch(`${this.#base}/${path}`, { headers: { cookie: this.#cookie } });
    return bodyOf(path, answer);
  }

  async post(path, body) {
    const answer = await fetch(`${this.#base}/${path}`, {
      method: 'POST',
      headers: { cookie: this.#cookie, 'x-brokkr': '1', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return bodyOf(path, answer);
  }

  /** Opens pages: live streams that are read, as browsers do. */
  async openPages(count, topics = 'overview,queues,workers,tasks,bulk') {
    for (let page = 0; page < count; page++) {
      const { body } = await fetch(`${this.#base}/live?topics=${topics}`, { headers: { cookie: this.#cookie } });
      const reader = body.getReader();
      this.#streams.push(reader);
      void (async () => {
        while (!(await reader.read()).done);
      })().catch(() => undefined);
    }
  }

  /** Memory of the process as the system counts it, in MB. */
  async residentMb() {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(this.#child.pid)]);
    return Number(stdout) / 1_024;
  }

  async stop() {
    const ended = once(this.#child, 'exit');
    for (const reader of this.#streams) await reader.cancel().catch(() => undefined);
    this.#child.kill('SIGTERM');
    await ended;
  }
}

/** Median of the milliseconds of a call. */
export async function medianMs(call, runs = 5) {
  const times = [];
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    await call();
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)];
}

async function bodyOf(path, answer) {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
