import type { JSX } from 'preact';
import { jsonLines } from '../text/json-lines.ts';
import { Text } from '../parts/text.tsx';

const CLASSES = { key: 'k', string: 's', number: 'd', word: 'd', mark: 'p' };

/** JSON, indented by its tokens: no value is parsed and printed again. Text that is no JSON is shown as it is. */
export function JsonBody({ text }: { text: string }) {
  const lines = jsonLines(text);
  return (
    <pre class="code" tabIndex={0}>
      {lines === undefined ? (
        <Text value={text} />
      ) : (
        lines.map(
          ({ depth, tokens }, index): JSX.Element => (
            <span class="row" key={index}>
              {'  '.repeat(depth)}
              {tokens.map(({ kind, text: token }, place) => (
                <span key={place} class={token === '"•••"' ? 'hid' : CLASSES[kind]}>
                  <Text value={kind === 'mark' && (token === ':' || token === ',') ? `${token} ` : token} />
                </span>
              ))}
              {'\n'}
            </span>
          ),
        )
      )}
    </pre>
  );
}
