import { useEffect, useRef } from 'preact/hooks';
import { connection } from '../api/live.ts';
import { overview } from '../api/live-data.ts';
import { broker, session } from '../api/session.ts';
import { BulkPage } from '../pages/bulk-page.tsx';
import { DeadPage } from '../pages/dead-page.tsx';
import { FindPage } from '../pages/find-page.tsx';
import { MessagePage } from '../pages/message-page.tsx';
import { OverviewPage } from '../pages/overview-page.tsx';
import { QueuePage } from '../pages/queue-page.tsx';
import { QueuesPage } from '../pages/queues-page.tsx';
import { SchedulesPage } from '../pages/schedules-page.tsx';
import { TasksPage } from '../pages/tasks-page.tsx';
import { WorkersPage } from '../pages/workers-page.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Empty } from '../parts/empty.tsx';
import { Hatch } from '../charts/hatch.tsx';
import { Notices } from '../parts/notices.tsx';
import { TipBubble } from '../parts/tip.tsx';
import { link, route } from '../route/route.ts';
import { LostBanner } from './lost-banner.tsx';
import { placeFocus } from './place-focus.ts';
import { isStale, shownState } from './shown-state.ts';
import { SignIn } from './sign-in.tsx';
import { TopBar } from './top-bar.tsx';

/** The whole page. */
export function App() {
  if (session.value === undefined) return <SignIn />;
  const name = broker.value?.name;
  if (name === undefined) return <Empty icon="plug" title="This dashboard shows no broker" />;
  return (
    <>
      <Hatch />
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <TopBar />
      <LostBanner />
      <Main broker={name} />
      <Dialog />
      <Notices />
      <TipBubble />
    </>
  );
}

/** The page that the address names. The focus moves to it when another one opens, so that it is read aloud. */
function Main({ broker: name }: { broker: string }) {
  const { path } = route.value;
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const place = path.slice(0, 3).join('/');
  useEffect(() => {
    if (!isFirst.current) {
      window.scrollTo(0, 0);
      if (main.current !== null) placeFocus(main.current);
    }
    isFirst.current = false;
  }, [place]);
  return (
    <main
      id="main"
      ref={main}
      tabIndex={-1}
      class={isStale(shownState(connection.value.state, overview.value)) ? 'stale' : ''}
    >
      <Page broker={name} path={path} />
    </main>
  );
}

function Page({ broker: name, path }: { broker: string; path: readonly string[] }) {
  const [, page = 'overview', queue, tab, id] = path;
  if (page === 'overview') return <OverviewPage broker={name} />;
  if (page === 'queues' && queue === undefined) return <QueuesPage broker={name} />;
  if (page === 'queues' && queue !== undefined && tab === 'message' && id !== undefined) {
    return <MessagePage key={`${queue} ${id}`} broker={name} queue={queue} id={id} />;
  }
  if (page === 'queues' && queue !== undefined) return <QueuePage key={queue} broker={name} queue={queue} tab={tab} />;
  if (page === 'tasks') return <TasksPage broker={name} />;
  if (page === 'workers') return <WorkersPage broker={name} />;
  if (page === 'dead') return <DeadPage broker={name} />;
  if (page === 'schedules') return <SchedulesPage broker={name} />;
  if (page === 'bulk') return <BulkPage broker={name} />;
  if (page === 'find') return <FindPage broker={name} />;
  return (
    <section class="panel">
      <Empty icon="search" title="No such page">
        <a href={link([name, 'overview'])}>Open the overview</a>
      </Empty>
    </section>
  );
}
