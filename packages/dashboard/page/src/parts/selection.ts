import { useSignal, type Signal } from '@preact/signals';

/** Rows that the user chose, by their keys. */
export interface Selection {
  readonly keys: ReadonlySet<string>;
  readonly has: (key: string) => boolean;
  readonly set: (keys: readonly string[], chosen: boolean) => void;
  readonly clear: () => void;
  /** Drops rows that are not among these: they have left the list. */
  readonly keep: (keys: readonly string[]) => void;
}

/** A choice of rows that outlives new answers: it is kept by key. */
export function useSelection(): Selection {
  const chosen: Signal<ReadonlySet<string>> = useSignal(new Set());
  return {
    keys: chosen.value,
    has: (key) => chosen.value.has(key),
    set: (keys, isChosen) => {
      const next = new Set(chosen.value);
      for (const key of keys) {
        if (isChosen) next.add(key);
        else next.delete(key);
      }
      chosen.value = next;
    },
    keep: (keys) => {
      const left = keys.filter((key) => chosen.value.has(key));
      if (left.length < chosen.value.size) chosen.value = new Set(left);
    },
    clear: () => {
      chosen.value = new Set();
    },
  };
}
