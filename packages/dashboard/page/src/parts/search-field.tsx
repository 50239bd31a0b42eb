import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';

interface Props {
  readonly label: string;
  readonly value: string;
  /** Called 300 ms after the last key, and at once on Enter. */
  readonly onSearch: (text: string) => void;
  /** Why nothing can be searched. */
  readonly reason?: string | undefined;
  /** Whether it has the focus when its page opens. */
  readonly takesFocus?: boolean;
}

/** A search field. `/` moves the focus to the first one of the page. */
export function SearchField({ label, value, onSearch, reason, takesFocus }: Props) {
  const text = useSignal(value);
  const sent = useRef(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (value !== sent.current) text.value = value;
    sent.current = value;
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const search = () => {
    clearTimeout(timer.current);
    const wanted = text.value.trim();
    if (wanted === sent.current) return;
    sent.current = wanted;
    onSearch(wanted);
  };
  return (
    <label class={`field ${reason === undefined ? '' : 'off'}`} data-tip={reason}>
      <Icon name="search" />
      <span class="sr">{label}</span>
      <input
        type="search"
        placeholder={reason ?? label}
        value={text.value}
        readOnly={reason !== undefined}
        spellcheck={false}
        autocomplete="off"
        data-takes-focus={takesFocus}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          clearTimeout(timer.current);
          timer.current = setTimeout(search, 300);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') search();
          if (event.key === 'Escape') event.currentTarget.blur();
        }}
      />
    </label>
  );
}
