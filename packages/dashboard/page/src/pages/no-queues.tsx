import { broker } from '../api/session.ts';
import { Empty } from '../parts/empty.tsx';

/** What to do on a broker that has no queue yet. */
export function NoQueues() {
  return (
    <>
      <Empty icon="queue" title={`No queue yet on ${broker.value?.name ?? 'this broker'}`}>
        <p>A queue appears with its first message or its first worker.</p>
      </Empty>
      <ol class="steps">
        <li>
          <h3>1. Define a task</h3>
          <pre tabIndex={0}>
            {
              "// tasks.ts\nconst hello = tm.task(\n  { name: 'hello' },\n  async (name: string) => {\n    console.log('hello', name);\n  },\n);"
            }
          </pre>
        </li>
        <li>
          <h3>2. Start a worker</h3>
          <pre tabIndex={0}>{'npx brokkr worker --app tasks.ts'}</pre>
        </li>
        <li>
          <h3>3. Send a message</h3>
          <pre tabIndex={0}>{'npx brokkr send hello ada'}</pre>
          <p class="muted">Sent, but not shown? Compare TASK_NAMESPACE, and the database in the broker’s URL.</p>
        </li>
      </ol>
    </>
  );
}
