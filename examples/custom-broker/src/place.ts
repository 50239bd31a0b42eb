import { mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Envelope } from '@brokkr/core';

export type Place = 'ready' | 'delayed' | 'held' | 'dead';

/** What a file's name says, so that one rename moves a message and changes its counters at once. */
export interface Entry {
  readonly place: Place;
  /** Sorts the folder: its turn (ready, dead), when it is due (delayed) or when its lease ends (held), in ms. */
  readonly sort: number;
  readonly turn: number;
  readonly fence: number;
  readonly crashes: number;
  readonly id: string;
  /** Who holds it, for a held one. */
  readonly worker: string;
}

let last = 0;
/** A number higher than any before in this process: microseconds, so that processes sort by time. */
export function nextTurn(): number {
  last = Math.max(last + 1, Date.now() * 1_000);
  return last;
}

/** The folder of one queue. A message is a file whose content never changes; its name says all that does. */
export class QueueFolder {
  readonly #folder: string;

  constructor(root: string, queue: string) {
    this.#folder = join(root, queue);
  }

  path(place: Place): string {
    return join(this.#folder, place);
  }

  async make(): Promise<void> {
    for (const place of ['ready', 'delayed', 'held', 'dead', 'new'])
      await mkdir(join(this.#folder, place), { recursive: true });
  }

  /** The messages of one place, first one first. */
  async list(place: Place): Promise<Entry[]> {
    const names = await readdir(this.path(place)).catch(() => []);
    return names.map((name) => parse(place, name)).sort((a, b) => a.sort - b.sort || a.turn - b.turn);
  }

  async read(entry: Entry): Promise<Envelope> {
    const { body, ...rest } = JSON.parse(await readFile(this.#file(entry), 'utf8')) as Envelope & { body: string };
    return { ...rest, body: Buffer.from(body, 'base64') };
  }

  /** Stores a message on the disk: written beside, then moved into place in one step. */
  async store(envelope: Envelope, entry: Entry): Promise<void> {
    const beside = join(this.#folder, 'new', `${nextTurn()}-${process.pid}`);
    const { body, ...rest } = envelope;
    await writeFile(beside, JSON.stringify({ ...rest, body: Buffer.from(body).toString('base64') }), { flush: true });
    await rename(beside, this.#file(entry));
  }

  /** Whether it was still there to be moved: of several who try, one succeeds. */
  async move(entry: Entry, changes: Partial<Entry>): Promise<Entry | undefined> {
    const moved = { ...entry, ...changes };
    return (await happened(rename(this.#file(entry), this.#file(moved)))) ? moved : undefined;
  }

  /** Whether it was still there to be removed. */
  async remove(entry: Entry): Promise<boolean> {
    return happened(unlink(this.#file(entry)));
  }

  #file(entry: Entry): string {
    const { sort, turn, fence, crashes, id, worker } = entry;
    return join(this.path(entry.place), [sort, turn, fence, crashes, encode(id), encode(worker)].join('~'));
  }
}

function parse(place: Place, name: string): Entry {
  const [sort, turn, fence, crashes, id = '', worker = ''] = name.split('~');
  const numbers = { sort: Number(sort), turn: Number(turn), fence: Number(fence), crashes: Number(crashes) };
  return { place, ...numbers, id: decodeURIComponent(id), worker: decodeURIComponent(worker) };
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll('~', '%7E').replaceAll('.', '%2E');
}

/** False where the file was gone: somebody else was first. */
async function happened(operation: Promise<void>): Promise<boolean> {
  try {
    await operation;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
