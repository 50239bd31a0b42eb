import { signal } from '@preact/signals';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';
import { Text } from './text.tsx';

interface Notice {
  readonly id: number;
  readonly text: string;
  readonly tone: 'succeeded' | 'failed';
  readonly link?: { readonly text: string; readonly href: string } | undefined;
}

const notices = signal<readonly Notice[]>([]);
let last = 0;

/** Shows what an action did. Good news leaves after 6 s unless it `stays`; failures stay until they are closed. */
export function notify(
  text: string,
  { tone = 'succeeded', link, stays = false }: { tone?: Notice['tone']; link?: Notice['link']; stays?: boolean } = {},
): void {
  last += 1;
  const id = last;
  notices.value = [...notices.peek().slice(-2), { id, text, tone, link }];
  if (tone === 'succeeded' && !stays) setTimeout(() => dismiss(id), 6_000);
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((each) => each.id !== id);
}

/** The notices, in a region that screen readers announce. */
export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, tone, link }) => (
        <div class="notice" key={id}>
          <Icon name={tone} tone={tone} />
          <p>
            <Text value={text} /> {link === undefined ? null : <a href={link.href}>{link.text}</a>}
          </p>
          <Button look="bare" small icon="x" label="Close" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
