import { Empty } from '../parts/empty.tsx';

/** In place of a list of a broker that has not answered yet. */
export function Unreached() {
  return <Empty icon="plug" title="Unknown: the broker cannot be reached" />;
}
