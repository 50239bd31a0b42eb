import type { MessageDetail } from '../../../src/api/types.ts';
import { now } from '../api/clock.ts';
import { duration } from '../text/duration.ts';
import { type Life, type LifePart, lifeOf, sumOf } from './life.ts';

const WIDTH = 704;
const END = 5;
/** A run of milliseconds beside a wait of hours is still seen. */
const LEAST = 3;

const WORDS: Record<LifePart, string> = { wait: 'waited', run: 'ran', off: 'between attempts' };
const PARTS: readonly LifePart[] = ['wait', 'run', 'off'];

/** The life of a message as one bar: when it waited, ran, and paused between attempts. */
export function LifeBar({ message }: { message: MessageDetail }) {
  const life = lifeOf(message, now.value);
  if (life === undefined) return null;
  const { spans, total, isDead } = life;
  const width = WIDTH - (isDead ? END + 1 : 0);
  const x = (ms: number) => (ms / total) * width;
  return (
    <div class="body life">
      <svg viewBox={`0 0 ${WIDTH} 24`} preserveAspectRatio="none" role="img" aria-label={inWords(life)}>
        {spans.map(({ part, from, to }) => {
          const span = x(to) - x(from);
          const shown = part === 'run' ? Math.max(LEAST, span - 1) : Math.max(0, span - 1);
          const height = part === 'run' ? 12 : 4;
          const left = Math.min(x(from), width - shown);
          return <rect key={from} class={part} x={left} y={12 - height / 2} width={shown} height={height} />;
        })}
        {isDead ? <rect class="end" x={WIDTH - END} y="2" width={END - 1} height="20" /> : null}
      </svg>
      <div class="keys">
        {PARTS.map((part) => {
          const ms = sumOf(life, part);
          return ms === 0 ? null : (
            <span key={part} class={`key k-${part}`}>
              {WORDS[part]} {duration(ms)}
            </span>
          );
        })}
      </div>
    </div>
  );
}

function inWords({ spans, isDead }: Life): string {
  const words = spans.slice(0, 20).map(({ part, from, to }) => `${WORDS[part]} ${duration(to - from)}`);
  return [...words, ...(spans.length > words.length ? ['and so on'] : []), ...(isDead ? ['dead'] : [])].join(', ');
}
