import type { ShownError } from '../../../src/api/types.ts';
import { Button } from '../parts/button.tsx';
import { copy } from '../parts/copy.ts';
import { Icon } from '../parts/icon.tsx';
import { Text } from '../parts/text.tsx';

interface Frame {
  readonly name: string;
  readonly place: string;
  readonly isOwn: boolean;
}

/** Frames of a stack. Those of the application come first: libraries and Node are rarely at fault. */
function framesOf(stack: string): readonly Frame[] {
  return stack.split('\n').flatMap((line): Frame[] => {
    const match = /^\s*at (?:(.*?) \()?(.*?)\)?$/.exec(line);
    if (match === null) return [];
    const place = (match[2] ?? '').replace(/^file:\/\//, '');
    return [
      { name: match[1] ?? '(anonymous)', place, isOwn: !/node_modules|^node:|^native$|^<anonymous>/.test(place) },
    ];
  });
}

function Frames({ frames, class: name }: { frames: readonly Frame[]; class: string }) {
  return (
    <ul class={name}>
      {frames.map(({ name: called, place }, index) => (
        <li key={index}>
          <span>
            <Text value={called} />
          </span>
          <span>
            <Text value={place} />
          </span>
        </li>
      ))}
    </ul>
  );
}

/** An error as a worker wrote it down, with its causes. */
export function StackTrace({ error, note }: { error: ShownError; note: string }) {
  const { name, message, code, stack = '', cause } = error;
  const frames = framesOf(stack);
  const own = frames.filter(({ isOwn }) => isOwn);
  const others = frames.filter(({ isOwn }) => !isOwn);
  return (
    <section class="panel" aria-label="Error">
      <header>
        <h2>Error</h2>
        <span class="n">{note}</span>
        <div class="acts">
          <Button
            small
            icon="copy"
            onClick={() => void copy(stack === '' ? `${name}: ${message}` : stack, 'the error')}
          >
            Copy
          </Button>
        </div>
      </header>
      <p class="errline">
        <Text value={`${name}: ${message}`} />
        {code === undefined ? null : <span class="code-name"> {code}</span>}
      </p>
      {own.length === 0 ? null : <Frames frames={own} class="trace own" />}
      {others.length === 0 ? null : (
        <details open={own.length === 0}>
          <summary>
            <Icon name="right" />
            {others.length} frames of libraries and Node
          </summary>
          <Frames frames={others} class="trace lib" />
        </details>
      )}
      {causesOf(cause).map((each, index) => (
        <p class="cause" key={index}>
          <b>Caused by</b> <Text value={`${each.name}: ${each.message}`} />
        </p>
      ))}
    </section>
  );
}

/** The chain of causes, at most 5. */
function causesOf(first: ShownError | undefined): readonly ShownError[] {
  const causes: ShownError[] = [];
  for (let each = first; each !== undefined && causes.length < 5; each = each.cause) causes.push(each);
  return causes;
}
