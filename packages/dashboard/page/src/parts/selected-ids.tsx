import { count, plural } from '../text/number.ts';
import { Button } from './button.tsx';
import { copy } from './copy.ts';

interface Props {
  readonly ids: readonly string[];
  readonly clear: () => void;
}

/** How many messages are selected, with the buttons that clear the selection and copy its ids. */
export function SelectedIds({ ids, clear }: Props) {
  return (
    <>
      <span class="sum">
        <b>{count(ids.length)} selected</b>
        <Button look="bare" small onClick={clear}>
          Clear
        </Button>
      </span>
      <Button look="bare" icon="copy" onClick={() => void copy(ids.join('\n'), plural(ids.length, 'id'))}>
        Copy ids
      </Button>
    </>
  );
}
