import type { ReleasedPermit } from '@brokkr/core/adapter';
import type { NumberedKeys } from './numbered-keys.ts';

/** The permits of one key and size that are given back. */
interface Group {
  readonly permit: ReleasedPermit;
  readonly tokens: string[];
  runs: number;
  ranMs: number;
}

/** The arguments of `release`, which is a part of scripts: permits that are given back, by key. */
export function releasedArgs(permits: readonly ReleasedPermit[], keys: NumberedKeys): string[] {
  const groups = new Map<string, Group>();
  let group: Group | undefined;
  for (const permit of permits) {
    if (group === undefined || !isAlike(group.permit, permit)) {
      // Neither a number nor the name of a limit has a space.
      const name = `${permit.slots} ${permit.limit} ${permit.key}`;
      group = groups.get(name) ?? { permit, tokens: [], runs: 0, ranMs: 0 };
      groups.set(name, group);
    }
    group.tokens.push(permit.token);
    if (permit.ranMs <= 0) continue;
    group.runs++;
    group.ranMs += permit.ranMs;
  }
  const args = [String(groups.size)];
  for (const { permit, tokens, runs, ranMs } of groups.values()) {
    const averageMs = runs === 0 ? 0 : ranMs / runs;
    const { limit, key, slots } = permit;
    args.push(keys.numberOf(limit, key), String(slots), String(tokens.length), String(runs), averageMs.toFixed(3));
    args.push(...tokens);
  }
  return args;
}

function isAlike(one: ReleasedPermit, other: ReleasedPermit): boolean {
  return one.key === other.key && one.limit === other.limit && one.slots === other.slots;
}
