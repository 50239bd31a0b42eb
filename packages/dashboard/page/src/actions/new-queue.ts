import { ApiError } from '../api/client.ts';
import { ask } from '../parts/dialog.tsx';

/**
 * Moves letters. If no queue of that name is known, asks whether the letters shall make it, and moves them then.
 * @param title of the question
 * @param move called with `create`: whether the queue may be new. Rejects with `QUEUE_NEW` if it is new and may not be.
 */
export async function moveTo(
  to: string,
  { title, move }: { readonly title: string; readonly move: (create: boolean) => Promise<void> },
): Promise<void> {
  try {
    await move(false);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'QUEUE_NEW') throw error;
    ask({
      title,
      text: 'No queue of this name is known. The messages make it, and wait until a worker serves it.',
      facts: [['New queue', to]],
      confirm: 'Move to the new queue',
      run: () => move(true),
    });
  }
}
