import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { delayUntil, type Envelope } from '@brokkr/core/adapter';

/**
 * A message in the folder of a queue. Every change is a change of the file's name, and therefore one atomic rename: if
 * several processes try, one succeeds, and the others get `undefined`.
 */
export interface MessageFile {
  readonly folder: string;
  readonly place: 'live' | 'dead';
  /** Its position in the queue. */
  readonly turn: number;
  /** When it may be taken, in epoch milliseconds: the end of its delay or of its lease. */
  readonly visibleAt: number;
  readonly fence: number;
  readonly crashes: number;
  /** Worker that holds it, or held it when the lease expired; empty if no worker does. */
  readonly worker: string;
  readonly id: string;
}

export async function make(folder: string): Promise<void> {
  for (const name of ['new', 'live', 'dead']) await mkdir(join(folder, name), { recursive: true });
}

/** Returns the messages of a folder, the first one first. */
export async function list(folder: string, place: MessageFile['place']): Promise<MessageFile[]> {
  const names = (await unlessGone(readdir(join(folder, place)))) ?? [];
  const files = names.map((name): MessageFile => {
    const [worker = '', id = '', ...numbers] = name.split(',').map(decodeURIComponent);
    const [turn = 0, visibleAt = 0, fence = 0, crashes = 0] = numbers.map(Number);
    return { folder, place, turn, visibleAt, fence, crashes, worker, id };
  });
  return files.sort((a, b) => a.turn - b.turn);
}

export async function read(file: MessageFile): Promise<Envelope | undefined> {
  const text = await unlessGone(readFile(pathOf(file), 'utf8'));
  if (text === undefined) return undefined;
  const { body, ...rest } = JSON.parse(text) as Envelope & { body: string };
  return { ...rest, body: Buffer.from(body, 'base64') };
}

/**
 * Stores a message. It is written beside its place, then moved there. `before`: the data that is kept of its earlier
 * file.
 */
export async function store({ body, ...rest }: Envelope, before: Partial<MessageFile> & { folder: string }) {
  const storedAt = nextTurn();
  // A fence outlives its message: if an id is stored again, its fences must be higher than before.
  const { folder, place = 'live', fence = storedAt, crashes = 0 } = before;
  const { id, notBefore = 0 } = rest;
  const turn = storedAt + delayUntil(notBefore, Date.now()) * 1_000;
  const beside = join(folder, 'new', randomUUID());
  await writeFile(beside, JSON.stringify({ ...rest, body: Buffer.from(body).toString('base64') }), { flush: true });
  await rename(beside, pathOf({ folder, place, turn, visibleAt: notBefore, fence, crashes, worker: '', id }));
}

export function change(file: MessageFile, changes: Partial<MessageFile>): Promise<MessageFile | undefined> {
  const changed = { ...file, ...changes };
  return unlessGone(rename(pathOf(file), pathOf(changed)).then(() => changed));
}

export function remove(file: MessageFile): Promise<MessageFile | undefined> {
  return unlessGone(unlink(pathOf(file)).then(() => file));
}

function pathOf({ folder, place, turn, visibleAt, fence, crashes, worker, id }: MessageFile): string {
  return join(folder, place, [worker, id, turn, visibleAt, fence, crashes].map(encodeURIComponent).join(','));
}

let last = 0;
/** Returns a higher turn than any before: microseconds, so that the processes of a machine share one order. */
function nextTurn(): number {
  last = Math.max(last + 1, Date.now() * 1_000);
  return last;
}

function unlessGone<T>(operation: Promise<T>): Promise<T | undefined> {
  return operation.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
