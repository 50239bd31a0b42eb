import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { delayUntil, type Envelope } from '@brokkr/core/adapter';

/**
 * A message of a queue's folder. All that changes about it is the name of its file, so that each change is one atomic
 * rename: of several processes that try, one succeeds, and the others are told `undefined`.
 */
export interface MessageFile {
  readonly folder: string;
  readonly place: 'live' | 'dead';
  /** Its place in line. */
  readonly turn: number;
  /** When it may be taken, epoch milliseconds: the end of its delay, or of its lease. */
  readonly visibleAt: number;
  readonly fence: number;
  readonly crashes: number;
  /** Who holds it, or held it when the lease ran out; empty where nobody does. */
  readonly worker: string;
  readonly id: string;
}

export async function make(folder: string): Promise<void> {
  for (const name of ['new', 'live', 'dead']) await mkdir(join(folder, name), { recursive: true });
}

/** First one first. */
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

/** On the disk once it resolves: written beside, then moved into place. `before`: what is kept of its earlier life. */
export async function store({ body, ...rest }: Envelope, before: Partial<MessageFile> & { folder: string }) {
  const storedAt = nextTurn();
  // A fence outlives its message: an id that is stored again must not begin below the deliveries of its earlier life.
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
/** Higher than any before: microseconds, so that the processes of a machine stand in one line. */
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
