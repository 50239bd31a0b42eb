import { pieces } from '../text/visible-text.ts';

/** Text from outside. Characters that would be invisible or turn the order around are shown by their code. */
export function Text({ value }: { value: string }) {
  return (
    <bdi>
      {pieces(value).map((piece, index) =>
        'plain' in piece ? (
          piece.plain
        ) : (
          <span class="ctl" key={index}>
            {piece.name}
          </span>
        ),
      )}
    </bdi>
  );
}
