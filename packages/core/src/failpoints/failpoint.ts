import { BrokerUnavailableError } from '../errors/errors.ts';

/** What happens where a failpoint is reached. `dropreply`: what was asked took effect, and its answer never came. */
type Action = 'kill9' | 'stop' | 'exit' | 'throw' | 'dropreply' | `delay:${number}`;

interface Armed {
  readonly action: Action;
  /** The time it is reached at which it goes off, from 1; once. */
  readonly nth: number;
  reached: number;
}

const SYNTAX = /^([a-z.-]+)=(kill9|stop|exit|throw|dropreply|delay:\d+)(?:@([1-9]\d*))?$/;

/**
 * `BROKKR_FAILPOINTS`, for tests of what happens when a process ends in a certain place: `name=action@nth`, several
 * with commas between. Unset, a failpoint costs the look at one constant.
 */
const armed = parse(process.env.BROKKR_FAILPOINTS);

/** A place where a test may let this process fail. Never set in production. */
export function failpoint(name: string): void {
  if (armed !== undefined) reach(armed, name);
}

function reach(points: ReadonlyMap<string, Armed>, name: string): void {
  const point = points.get(name);
  if (point === undefined || ++point.reached !== point.nth) return;
  switch (point.action) {
    case 'kill9':
      process.kill(process.pid, 'SIGKILL');
      return;
    case 'stop':
      process.kill(process.pid, 'SIGSTOP');
      return;
    case 'exit':
      process.exit(1);
      return;
    case 'throw':
      throw new Error(`failpoint ${name}`);
    case 'dropreply':
      throw new BrokerUnavailableError(`failpoint ${name}: the answer did not arrive`);
    default:
      // Everything stands still, as in a process that gets no processor.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(point.action.slice('delay:'.length)));
  }
}

function parse(given: string | undefined): ReadonlyMap<string, Armed> | undefined {
  if (given === undefined || given === '') return undefined;
  const points = given.split(',').map((one) => {
    const [, name, action, nth] = SYNTAX.exec(one) ?? [];
    if (name === undefined) throw new Error(`BROKKR_FAILPOINTS: ${JSON.stringify(one)} is not name=action@nth`);
    return [name, { action: action as Action, nth: Number(nth ?? 1), reached: 0 }] as const;
  });
  return new Map(points);
}
