import { ask } from '../parts/dialog.tsx';
import { brokerPath, change, perform } from './perform.ts';

/** Lets a worker end what it runs and take no more. */
export function askToQuiet(worker: string, running: number): void {
  ask({
    title: `Quiet the worker ${worker}?`,
    text:
      running === 0
        ? 'It takes no more messages. Its process stays, and can take messages again.'
        : `It ends the ${running} that it runs and takes no more messages. Its process stays, and can take messages again.`,
    confirm: 'Quiet it',
    run: () => change(brokerPath('workers', worker, 'quiet'), { quiet: true }, () => `Asked ${worker} to be quiet.`),
  });
}

/** Ends that. */
export function unquiet(worker: string): void {
  void perform(brokerPath('workers', worker, 'quiet'), { quiet: false }, () => `${worker} takes messages again.`);
}
