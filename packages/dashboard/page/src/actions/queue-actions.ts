import { ask } from '../parts/dialog.tsx';
import { count, plural } from '../text/number.ts';
import { brokerPath, change, perform } from './perform.ts';

/** Pauses a queue: its workers take no more messages of it. */
export function pause(queue: string): void {
  void perform(brokerPath('queues', queue, 'pause'), {}, () => `Paused ${queue}. What runs goes on.`);
}

/** Lets the workers take messages of a queue again. */
export function resume(queue: string): void {
  void perform(brokerPath('queues', queue, 'resume'), {}, () => `Resumed ${queue}.`);
}

/** Removes the ready messages, after the queue's name was typed. */
export function askToPurge(queue: string, ready: number | undefined): void {
  ask({
    title: ready === undefined ? `Purge ${queue}?` : `Purge ${plural(ready, 'ready message')} of ${queue}?`,
    text: 'They are removed and never run. Delayed, running and dead messages stay.',
    typed: { label: 'Type the queue’s name to go on:', name: queue },
    cancel: 'Keep them',
    confirm: 'Purge',
    look: 'kill',
    run: ({ typed }) =>
      change(
        brokerPath('queues', queue, 'purge'),
        { confirm: typed },
        ({ done }) => `Purged ${count(done)} of ${queue}.`,
      ),
  });
}
