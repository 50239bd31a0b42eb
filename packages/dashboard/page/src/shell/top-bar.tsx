import { useEffect, useRef } from 'preact/hooks';
import { showKeys } from '../actions/shortcuts.ts';
import { now } from '../api/clock.ts';
import { bulkJobs, overview, queues, tasks, workers } from '../api/live-data.ts';
import { broker, session } from '../api/session.ts';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Pill } from '../parts/pill.tsx';
import { Text } from '../parts/text.tsx';
import { link, open, route } from '../route/route.ts';
import { localAndUtc, zonedTime } from '../text/clock-time.ts';
import { count } from '../text/number.ts';
import { Brand } from './brand.tsx';
import { ConnectionMark } from './connection-mark.tsx';

/** Brand, broker, connection and user; below them the pages. */
export function TopBar() {
  const known = session.value;
  const name = broker.value?.name ?? '';
  return (
    <header class="top">
      <div class="bar">
        <Brand href={link([name, 'overview'])} />
        <BrokerSwitch />
        <div class="end">
          {known !== undefined && (known.readOnly || !known.can.operate) ? (
            <Pill state="plain" icon="lock">
              Read-only
            </Pill>
          ) : null}
          <ConnectionMark />
          <time class="wide" data-tip={`The server’s clock: ${localAndUtc(now.value)}`}>
            {zonedTime(now.value)}
          </time>
          <span class="who">
            <span class="face" aria-hidden="true">
              {(known?.who ?? '?').slice(0, 1).toUpperCase()}
            </span>
            <span class="wide">
              <Text value={known?.who ?? ''} />
            </span>
          </span>
          <span class="wide">
            <Button look="bare" icon="keyboard" label="Keys" onClick={showKeys} />
          </span>
        </div>
      </div>
      <Pages name={name} />
    </header>
  );
}

function BrokerSwitch() {
  const brokers = session.value?.brokers ?? [];
  const current = broker.value;
  if (current === undefined) return null;
  return (
    <>
      <span class="slash" aria-hidden="true">
        /
      </span>
      {brokers.length === 1 ? (
        <span class="switch one">
          <span class="kind">{current.kind}</span>
          {current.name === current.kind ? null : current.name}
        </span>
      ) : (
        <label class="switch">
          <span class="sr">Broker</span>
          <span class="kind wide">{current.kind}</span>
          <select value={current.name} onChange={(event) => open(link([event.currentTarget.value, 'overview']))}>
            {brokers.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <Icon name="down" tone="muted" />
        </label>
      )}
    </>
  );
}

function Pages({ name }: { name: string }) {
  const page = route.value.path[1] ?? 'overview';
  const whole = overview.value;
  const running = [...bulkJobs.value.rows.values()].filter(({ state }) => state === 'running').length;
  const pages: readonly (readonly [page: string, title: string, number?: number | undefined])[] = [
    ['overview', 'Overview'],
    ['queues', 'Queues', whole?.queues ?? (queues.value.rows.size || undefined)],
    ['tasks', 'Tasks', tasks.value.rows.size || undefined],
    ['workers', 'Workers', whole?.workers ?? (workers.value.rows.size || undefined)],
    ['dead', 'Dead', whole?.counts.dead],
    ['schedules', 'Schedules'],
    ['bulk', 'Bulk', running || undefined],
    ['find', 'Find'],
  ];
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [page]);
  return (
    <nav class="nav" aria-label="Pages" ref={nav}>
      {pages.map(([key, title, number]) => (
        <a key={key} href={link([name, key])} aria-current={key === page ? 'page' : undefined}>
          {key === 'find' ? <Icon name="search" /> : null}
          {title}
          {number === undefined ? null : <span class="n">{count(number)}</span>}
        </a>
      ))}
    </nav>
  );
}
