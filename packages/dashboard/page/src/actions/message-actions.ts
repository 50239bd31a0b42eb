import { now } from '../api/clock.ts';
import { ask } from '../parts/dialog.tsx';
import { moveTo } from './new-queue.ts';
import { otherQueues } from './other-queues.ts';
import { plural } from '../text/number.ts';
import { brokerPath, change, perform } from './perform.ts';
import { type Run, runFacts } from './run-facts.ts';

const call = (queue: string, what: string) => brokerPath('queues', queue, 'messages', what);

/** Puts dead letters back into their queue. */
export function retry(queue: string, ids: readonly string[]): void {
  void perform(call(queue, 'retry'), { ids }, ({ done }) => `Retried ${plural(done, 'message')}.`);
}

/** Makes delayed messages ready now. */
export function runNow(queue: string, ids: readonly string[]): void {
  void perform(call(queue, 'promote'), { ids }, ({ done }) => `${plural(done, 'message')} ready now.`);
}

const nothing = (): void => undefined;

/** Removes dead letters, after the queue's name was typed. @param done called once it is done, such as to clear a selection */
export function askToDiscard(queue: string, ids: readonly string[], done = nothing): void {
  ask({
    title: `Discard ${plural(ids.length, 'dead message')} of ${queue}?`,
    text: 'They are removed for good: no copy is kept, and they cannot be retried.',
    typed: { label: 'Type the queue’s name to go on:', name: queue },
    cancel: 'Keep them',
    confirm: `Discard ${ids.length}`,
    look: 'kill',
    run: ({ typed }) =>
      change(
        call(queue, 'discard'),
        { ids, confirm: typed },
        (answer) => `Discarded ${plural(answer.done, 'message')}.`,
      ).then(done),
  });
}

/** Moves dead letters to another queue, in which they are ready. */
export function askToMove(queue: string, ids: readonly string[], done = nothing): void {
  ask({
    title: `Move ${plural(ids.length, 'dead message')} of ${queue}?`,
    text: 'They become ready messages of the other queue, and count their attempts from 1 again.',
    input: { label: 'To the queue', suggestions: () => otherQueues(queue) },
    confirm: `Move ${ids.length}`,
    run: ({ input }) =>
      moveTo(input, {
        title: `Move ${plural(ids.length, 'dead message')} to a new queue?`,
        move: (create) =>
          change(
            call(queue, 'move'),
            { ids, to: input, create },
            (answer) => `Moved ${plural(answer.done, 'message')} to ${input}.`,
          ).then(done),
      }),
  });
}

/** Removes messages that wait. */
export function askToCancel(queue: string, ids: readonly string[], done = nothing): void {
  ask({
    title: `Cancel ${plural(ids.length, 'message')} of ${queue}?`,
    text: 'They are removed and never run.',
    cancel: 'Keep them',
    confirm: `Cancel ${ids.length}`,
    look: 'kill',
    run: () =>
      change(call(queue, 'cancel'), { ids }, (answer) => `Cancelled ${plural(answer.done, 'message')}.`).then(done),
  });
}

/** Aborts tasks that run. */
export function askToAbort(queue: string, runs: readonly Run[], done = nothing): void {
  const ids = runs.map(({ id }) => id);
  ask({
    title: ids.length === 1 ? 'Cancel this running task?' : `Cancel ${ids.length} running tasks?`,
    text: 'Its signal aborts where it runs, and it is not retried. A task that ignores its signal runs to its end.',
    facts: runFacts(runs, now.peek()),
    cancel: 'Let it run',
    confirm: ids.length === 1 ? 'Cancel it' : `Cancel ${ids.length}`,
    look: 'kill',
    run: () =>
      change(
        call(queue, 'cancel'),
        { ids, running: true },
        (answer) => `Asked ${plural(answer.done, 'task')} to end.`,
      ).then(done),
  });
}
