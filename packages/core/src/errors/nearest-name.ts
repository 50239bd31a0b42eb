/** Edits that turn one name into another, as a share of the longer name: up to here the names count as alike. */
const ALIKE = 0.45;

/**
 * Returns the known name that is most like `name`, for an error about an unknown one. Case and punctuation do not count:
 * `TASK_BROKER_URL` is like `brokerUrl`.
 * @returns `undefined` if no known name is alike
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = ALIKE;
  for (const each of known) {
    const share = unlikeness(bare(name), bare(each));
    if (share > least || (share === least && nearest !== undefined)) continue;
    least = share;
    nearest = each;
  }
  return nearest;
}

function bare(name: string): string {
  return name
    .slice(0, 60)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}

/** Levenshtein's distance as a share of the longer name. Two neighboring letters that changed places are one edit. */
function unlikeness(left: string, right: string): number {
  let before: number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [index, character] of [...left].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...right].entries()) {
      const replaced = (row[column] as number) + (character === other ? 0 : 1);
      const swapped =
        character === right[column - 1] && left[index - 1] === other ? (before[column - 1] as number) + 1 : replaced;
      next.push(Math.min(replaced, swapped, (row[column + 1] as number) + 1, (next[column] as number) + 1));
    }
    before = row;
    row = next;
  }
  return (row[right.length] as number) / Math.max(left.length, right.length, 1);
}
