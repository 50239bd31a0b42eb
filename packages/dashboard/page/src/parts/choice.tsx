import { Icon } from './icon.tsx';

interface Props {
  readonly label: string;
  /** Whether the label stands before the choice, or is only read. */
  readonly quiet?: boolean;
  readonly value: string;
  readonly options: readonly (readonly [value: string, name: string])[];
  readonly onChange: (value: string) => void;
}

/** A choice of a few values: a native list, which every keyboard and phone can use. */
export function Choice({ label, quiet = false, value, options, onChange }: Props) {
  return (
    <label class={`chip choice ${value === '' || quiet ? '' : 'set'}`}>
      <span class={quiet ? 'sr' : 'k'}>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([each, name]) => (
          <option key={each} value={each}>
            {name}
          </option>
        ))}
      </select>
      <Icon name="down" />
    </label>
  );
}
