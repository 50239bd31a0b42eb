import type { ResultStore } from '../broker/result-store.ts';

/** How long the latest progress of a message is kept. */
export const PROGRESS_TTL_MS = 3_600_000;

const NO_WAIT = AbortSignal.abort();

/** Stores the latest progress of a message, as JSON, in place of an earlier one. */
export function storeProgress(store: ResultStore, id: string, json: string): Promise<void> {
  return store.store(keyOf(id), Buffer.from(json), PROGRESS_TTL_MS);
}

/** The latest progress of a message, as JSON; `undefined` if no progress is stored. Any program may write to the store. */
export async function loadProgress(store: ResultStore, id: string): Promise<string | undefined> {
  const bytes = await store.load(keyOf(id), NO_WAIT);
  if (bytes === undefined) return undefined;
  const json = Buffer.from(bytes).toString();
  return isJson(json) ? json : undefined;
}

function keyOf(id: string): string {
  return `${id}.progress`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
