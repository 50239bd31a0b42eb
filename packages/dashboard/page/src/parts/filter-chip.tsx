import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';
import { Text } from './text.tsx';

interface Props {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Values to choose from while typing. */
  readonly known?: readonly string[];
}

/** A filter of a list: a chip with a cross if it is set, otherwise a button that becomes a field. */
export function FilterChip({ label, value, onChange, known = [] }: Props) {
  const editing = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (editing.value) field.current?.focus();
  }, [editing.value]);
  if (value !== '') {
    return (
      <button type="button" class="chip set" aria-label={`Remove the filter ${label}`} onClick={() => onChange('')}>
        <span class="k">{label}</span>
        <span class="chip-value">
          <Text value={value} />
        </span>
        <Icon name="x" />
      </button>
    );
  }
  if (!editing.value) {
    return (
      <button
        type="button"
        class="chip add"
        onClick={() => {
          editing.value = true;
        }}
      >
        <Icon name="plus" />
        {label}
      </button>
    );
  }
  const id = `known-${label.toLowerCase().replaceAll(' ', '-')}`;
  const done = (text: string) => {
    editing.value = false;
    if (text.trim() !== '') onChange(text.trim());
  };
  return (
    <label class="field short">
      <span class="k">{label}</span>
      <input
        ref={field}
        list={id}
        spellcheck={false}
        autocomplete="off"
        onKeyDown={(event) => {
          if (event.key === 'Enter') done(event.currentTarget.value);
          if (event.key === 'Escape') editing.value = false;
        }}
        onBlur={(event) => done(event.currentTarget.value)}
      />
      <datalist id={id}>
        {known.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </label>
  );
}
