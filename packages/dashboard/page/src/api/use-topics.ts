import { useEffect } from 'preact/hooks';
import type { Topic } from '../../../src/api/types.ts';
import { wanted } from './live.ts';

/** Topics that every page needs, for the numbers in its navigation. */
const ALWAYS: readonly Topic[] = ['overview', 'bulk'];

/** Keeps these topics current while a page is open. */
export function useTopics(broker: string, topics: readonly Topic[]): void {
  const names = topics.join(' ');
  useEffect(() => {
    wanted.value = { broker, topics: [...ALWAYS, ...topics] };
  }, [broker, names]);
}
