import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { expect } from 'vitest';
import { type Fence, fencesOf, fileNameOf } from './markdown.ts';
import { idsIn, includesPrinted, isAsPrinted, steady } from './printed.ts';
import { root } from './sources.ts';

/** Names on a page that differ in a test. */
const PRINTED_REDIS = '127.0.0.1:6379';
const PRINTED_FOLDER = '/home/ada/emails';
/** Commands that change nothing: they run again until their output is as printed. */
const READ_ONLY = /^(npx )?brokkr (queues|workers|status|dead list|tasks|doctor|schedule list)\b/;
const RUNS_ON = /^(npx )?brokkr (worker|scheduler)\b/;
const WITHIN_MS = 40_000;

/** Whether a page is a tutorial: it has files, which its own shell lines run. */
export function isTutorial(page: string): boolean {
  return fencesOf(page).some((fence) => fileNameOf(fence) !== undefined);
}

/**
 * Follows a page as its reader would: writes its files into one folder, runs the lines of its `sh` and `console` fences
 * in their order, and compares the output with the printed one. A printed line `…` matches any number of lines; ids,
 * times, durations and process numbers may differ. A worker keeps running: a `console` fence without a command shows
 * further lines of its output, and `^C` in it interrupts the worker. A command with the comment `# Node.js 20` or `#
 * Node.js 22.18 or newer` runs on that version only.
 * @param page path of the page
 * @param port port of a Redis server that replaces that of the page
 */
export async function follow(page: string, port: number): Promise<void> {
  const reader = new Reader(port);
  try {
    for (const fence of fencesOf(page)) await reader.read(fence);
  } finally {
    reader.leave();
  }
}

class Reader {
  readonly #port: number;
  readonly #home = realpathSync(mkdtempSync(join(tmpdir(), 'brokkr-tutorial-')));
  /** Ids that the page prints, and those of this run in their place. */
  readonly #ids = new Map<string, string>();
  readonly #programs: Program[] = [];
  #folder = this.#home;

  constructor(port: number) {
    this.#port = port;
  }

  async read(fence: Fence): Promise<void> {
    const where = `${fence.page}:${fence.line}`;
    const name = fileNameOf(fence);
    if (name !== undefined) return this.#write(name, fence.text);
    if (fence.language === 'sh') {
      for (const line of fence.text.trim().split('\n')) await this.#run(line, undefined, where);
    }
    if (fence.language !== 'console') return;
    const [further = '', ...steps] = `\n${fence.text}`.split('\n$ ');
    if (further.trim() !== '') await this.#showMore(further.trim(), where);
    for (const [index, step] of steps.entries()) {
      const [command = '', ...output] = step.split('\n');
      // Of two commands in a row, one for each version of Node, both print the output after the second.
      const [, ...shared] = /# Node\.js/.test(command) ? (steps[index + 1] ?? '').split('\n') : [];
      await this.#run(command, (output.length > 0 ? output : shared).join('\n').trim(), where);
    }
  }

  leave(): void {
    for (const program of this.#programs) program.kill('SIGKILL');
    rmSync(this.#home, { recursive: true, force: true });
  }

  #write(name: string, text: string): void {
    const path = join(this.#folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, this.#actual(text));
  }

  async #run(line: string, output: string | undefined, where: string): Promise<void> {
    const [command = '', comment = ''] = line.split(/\s+# /);
    if (!runsHere(comment)) return;
    if (command.startsWith('docker run')) return;
    if (command.startsWith('npm install')) return this.#install(command);
    if (RUNS_ON.test(command)) {
      const program = this.#start(command);
      this.#programs.push(program);
      return this.#untilShown(program, output ?? '', where);
    }
    const until = performance.now() + WITHIN_MS;
    for (;;) {
      const { code, text } = await this.#finish(command);
      expect(code, `${where}: ${command}\n${text}`).toBe(0);
      if (output === undefined) return;
      const isGood = isAsPrinted(text, output);
      if (!isGood && READ_ONLY.test(command) && performance.now() < until) continue;
      if (!isGood) expect(steady(text), `${where}: ${command}`).toBe(steady(output));
      for (const [index, id] of idsIn(output).entries()) this.#ids.set(id, idsIn(text)[index] ?? id);
      return;
    }
  }

  /** The packages are those of this project; other packages that a page installs must be in it, too. */
  #install(command: string): void {
    const modules = join(root, 'node_modules');
    const names = command.split(/\s+/).filter((word, index) => index > 1 && !word.startsWith('-'));
    expect(names.filter((name) => !existsSync(join(modules, name)))).toEqual([]);
    if (!existsSync(join(this.#folder, 'node_modules'))) symlinkSync(modules, join(this.#folder, 'node_modules'));
  }

  async #finish(command: string): Promise<{ readonly code: number | null; readonly text: string }> {
    const program = this.#start(command);
    const code = await program.ended;
    const [, into] = / && cd (\S+)$/.exec(command) ?? [];
    if (into !== undefined) this.#folder = join(this.#folder, into);
    return { code, text: this.#printed(program.output) };
  }

  #start(command: string): Program {
    const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_ENV|NODE_OPTIONS)/.test(name));
    return new Program(this.#actual(command).replace(/^npx /, ''), this.#folder, {
      ...Object.fromEntries(own),
      PATH: [join(this.#folder, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
      // As on the reader's terminal.
      LOG_FORMAT: 'pretty',
      NO_COLOR: '1',
    });
  }

  /** Further output of the program that was started last. */
  async #showMore(printed: string, where: string): Promise<void> {
    const program = this.#programs.at(-1);
    if (program === undefined) throw new Error(`${where}: no program runs that could print this`);
    if (!printed.startsWith('^C')) return this.#untilShown(program, printed, where);
    program.kill('SIGINT');
    await this.#untilShown(program, printed.slice('^C'.length).trim(), where);
    expect(await program.ended, where).toBe(0);
  }

  async #untilShown(program: Program, printed: string, where: string): Promise<void> {
    const isShown = () => includesPrinted(this.#printed(program.unread), printed);
    const until = performance.now() + WITHIN_MS;
    while (!isShown() && performance.now() < until && program.isRunning) await program.more();
    if (!isShown()) expect(steady(this.#printed(program.unread)), where).toBe(steady(printed));
    program.markRead();
  }

  /** A text of the page, with the names of this run. */
  #actual(text: string): string {
    const actual = text.replaceAll(PRINTED_REDIS, `127.0.0.1:${this.#port}`);
    return [...this.#ids].reduce((known, [printed, id]) => known.replaceAll(printed, id), actual);
  }

  /** An output of this run, with the names that the page prints. */
  #printed(text: string): string {
    return text.replaceAll(`127.0.0.1:${this.#port}`, PRINTED_REDIS).replaceAll(this.#folder, PRINTED_FOLDER);
  }
}

/** A command of a page while it runs. */
class Program {
  readonly ended: Promise<number | null>;
  output = '';
  #read = 0;
  readonly #child: ChildProcess;

  constructor(command: string, cwd: string, env: NodeJS.ProcessEnv) {
    // `exec`, so that a signal reaches the program and not its shell.
    const simple = /^(brokkr|node|tsx|vitest) /.test(command) ? `exec ${command}` : command;
    this.#child = spawn('bash', ['-c', simple], { cwd, env });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  get unread(): string {
    return this.output.slice(this.#read);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  markRead(): void {
    this.#read = this.output.length;
  }

  /** Resolves when the program has printed more, has ended, or a moment has passed. */
  async more(): Promise<void> {
    const moment = AbortSignal.timeout(500);
    const printed = [this.#child.stdout, this.#child.stderr].map(
      (stream) => stream && once(stream, 'data', { signal: moment }),
    );
    await Promise.race([...printed, this.ended]).catch(() => undefined);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** Whether a command is for the version of Node that runs the test; it is, unless its comment names another. */
function runsHere(comment: string): boolean {
  const major = Number(process.versions.node.split('.')[0]);
  const named = /^Node\.js (\d+)/.exec(comment)?.[1];
  return named === undefined || (named === '20') === major < 22;
}
