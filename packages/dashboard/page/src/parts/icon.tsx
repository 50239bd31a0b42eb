import { GLYPHS, type IconName } from './glyphs.tsx';

/** A glyph beside a word. It is hidden from screen readers, which read the word. */
export function Icon({
  name,
  size = 'small',
  tone = '',
}: {
  name: IconName;
  size?: 'small' | 'normal';
  tone?: string;
}) {
  return (
    <svg class={`i ${size === 'small' ? 'i-sm' : ''} ${tone}`} viewBox="0 0 16 16" aria-hidden="true">
      {GLYPHS[name]}
    </svg>
  );
}
