/** A letter that died again carries two histories, and servers limit headers: the older one gets this much. */
const LARGEST_BYTES = 8_192;
const LONGEST_MESSAGE = 200;
/** Ours are below 16 KiB. */
const LONGEST_READ = 65_536;

/**
 * A history header (see `AttemptRecord`) for a message that gets fresh attempts: without stacks, at most 8 KiB, the oldest
 * attempts left out first.
 * @returns `undefined` if the header has no attempt in it
 */
export function lastHistory(history: string | undefined): string | undefined {
  const written = attempts(history);
  let bytes = 1 + written.reduce((sum, json) => sum + Buffer.byteLength(json) + 1, 0);
  let first = 0;
  for (; bytes > LARGEST_BYTES && first < written.length; first++)
    bytes -= Buffer.byteLength(written[first] as string) + 1;
  return first === written.length ? undefined : `[${written.slice(first).join(',')}]`;
}

/** Headers may come from any client: this one is a list of objects, or it is ignored. */
function attempts(history: string | undefined): readonly string[] {
  if (history === undefined || history.length > LONGEST_READ) return [];
  try {
    const records: unknown = JSON.parse(history);
    if (!Array.isArray(records)) return [];
    return records.filter(isObject).map((record) => JSON.stringify(record, withoutStack));
  } catch {
    // Not JSON, or nested too deep to be written again.
    return [];
  }
}

function isObject(record: unknown): record is object {
  return typeof record === 'object' && record !== null;
}

function withoutStack(name: string, value: unknown): unknown {
  if (name === 'stack') return undefined;
  return typeof value === 'string' ? value.slice(0, LONGEST_MESSAGE) : value;
}
