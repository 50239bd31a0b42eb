import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import * as brokkr from '@brokkr/core/adapter';
import { list, type MessageFile, make, read, remove, store } from './message-file.ts';

type State = brokkr.BrowsableState | 'running';

/** The messages of a queue in one state, the first one first. */
export async function messagesIn(folder: string, state: State): Promise<MessageFile[]> {
  if (state === 'dead') return list(folder, 'dead');
  const now = Date.now();
  const stateOf = ({ visibleAt, worker }: MessageFile) =>
    visibleAt <= now ? 'ready' : worker === '' ? 'delayed' : 'running';
  return (await list(folder, 'live')).filter((file) => stateOf(file) === state);
}

/** @param root folder with a folder for each queue  @param folderOf checks a queue's name and returns its folder */
export function filesInspector(root: string, folderOf: (queue: string) => string): brokkr.Inspector {
  const counts = async (queue: string): Promise<brokkr.QueueCounts> => {
    const states = ['ready', 'delayed', 'running', 'dead'] as const;
    const found = await Promise.all(states.map(async (state) => (await messagesIn(folderOf(queue), state)).length));
    return { ready: found[0], delayed: found[1], running: found[2], dead: found[3] };
  };

  /** Changes the chosen dead letters, batch by batch. */
  async function changeLetters(
    queue: string,
    which: brokkr.LetterChoice,
    { signal, batch = brokkr.PAGE_LIMIT, onBatch }: brokkr.BulkOptions,
    apply: (file: MessageFile, letter: brokkr.Envelope) => Promise<MessageFile | undefined>,
  ): Promise<number> {
    brokkr.checkLetterChoice(which);
    const files = await messagesIn(folderOf(queue), 'dead');
    let done = 0;
    let changed = 0;
    for (const [index, file] of files.entries()) {
      if (signal?.aborted) break;
      const isNamed = typeof which === 'function' || which === 'all' || which.includes(file.id);
      const letter = isNamed ? await read(file) : undefined;
      if (letter !== undefined && (typeof which !== 'function' || which(letter)))
        changed += (await apply(file, letter)) === undefined ? 0 : 1;
      if (changed < batch && index < files.length - 1) continue;
      done += changed;
      changed = 0;
      await onBatch?.({ done, looked: index + 1 });
    }
    return done + changed;
  }

  return {
    browsing: 'free',
    counts,
    async queues() {
      const entries: readonly Dirent[] = await readdir(root, { withFileTypes: true }).catch(() => []);
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    },
    countsOf: (queues) =>
      Promise.all(
        queues.map((queue) =>
          counts(queue).then(
            (found) => ({ queue, ...found }),
            (error: Error) => ({ queue, error }),
          ),
        ),
      ),
    async page(queue, state, { limit, after, from }) {
      const files = await messagesIn(folderOf(queue), state);
      if (from === 'newest') files.reverse();
      const start = after === undefined ? 0 : files.findIndex(isAfter(after, from === 'newest'));
      const shown = start < 0 ? [] : files.slice(start, start + Math.min(limit, brokkr.PAGE_LIMIT));
      const items = await Promise.all(shown.map(async (file) => itemOf(file, await read(file), state)));
      const last = start + shown.length < files.length ? shown.at(-1) : undefined;
      return { items: items.flat(), next: last && String(last.turn) };
    },
    async take(queue, limit, move, { from = 'waiting' } = {}) {
      const states = from === 'dead' ? (['dead'] as const) : (['ready', 'delayed'] as const);
      const found = await Promise.all(states.map((state) => messagesIn(folderOf(queue), state)));
      const files = found.flat().slice(0, limit);
      await move(await envelopesOf(files));
      return howMany(files.map(remove));
    },
    async bury(queue, letters) {
      const folder = folderOf(queue);
      const known = new Set((await messagesIn(folder, 'dead')).map(({ id }) => id));
      await make(folder);
      for (const letter of letters) if (!known.has(letter.id)) await store(letter, { folder, place: 'dead' });
    },
    redrive: (queue, which, options = {}) =>
      changeLetters(queue, which, options, async (file, letter) => {
        await store(brokkr.redriveEnvelope(letter, queue, Date.now()), { ...file, place: 'live', crashes: 0 });
        return remove(file);
      }),
    discard: (queue, which, options = {}) => changeLetters(queue, which, options, remove),
    async purge(queue, removing) {
      const files = await messagesIn(folderOf(queue), 'ready');
      let removed = 0;
      for (let start = 0; start < files.length; start += brokkr.PAGE_LIMIT) {
        const batch = files.slice(start, start + brokkr.PAGE_LIMIT);
        await removing?.(await envelopesOf(batch));
        removed += await howMany(batch.map(remove));
      }
      return removed;
    },
  };
}

/** Messages that another process has taken since are left out. */
async function envelopesOf(files: readonly MessageFile[]): Promise<brokkr.Envelope[]> {
  return (await Promise.all(files.map(read))).filter((envelope) => envelope !== undefined);
}

/** Turns are places in line: a cursor holds although its message is gone. */
function isAfter(cursor: string, isReversed: boolean): (file: MessageFile) => boolean {
  return ({ turn }) => (isReversed ? turn < Number(cursor) : turn > Number(cursor));
}

/** A message that was removed since its file was listed is left out. */
function itemOf({ visibleAt }: MessageFile, envelope: brokkr.Envelope | undefined, state: State): brokkr.PageItem[] {
  if (envelope === undefined) return [];
  return [state === 'delayed' ? { envelope, dueAt: visibleAt } : { envelope }];
}

export async function howMany(changes: readonly Promise<MessageFile | undefined>[]): Promise<number> {
  return (await Promise.all(changes)).filter((file) => file !== undefined).length;
}
