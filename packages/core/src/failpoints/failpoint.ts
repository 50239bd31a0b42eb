import { BrokerUnavailableError } from '../errors/errors.ts';

/** What a failpoint does. `dropreply`: the command takes effect, and its reply is lost. */
type Action = 'kill9' | 'stop' | 'exit' | 'throw' | 'dropreply' | `delay:${number}`;

interface Armed {
  readonly action: Action;
  /** Number of the call, from 1, in which the action runs, once. */
  readonly nth: number;
  reached: number;
}

const SYNTAX = /^([a-z.-]+)=(kill9|stop|exit|throw|dropreply|delay:\d+)(?:@([1-9]\d*))?$/;

/**
 * `BROKKR_FAILPOINTS` as `name=action@nth`, with commas between several: for tests of a process that ends at a certain
 * line. If it is not set, a failpoint costs one comparison with a constant.
 */
const armed = parse(process.env.BROKKR_FAILPOINTS);

/** Runs the action of the failpoint `name`, if `BROKKR_FAILPOINTS` has one. Never set it in production. */
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
      throw new BrokerUnavailableError(`failpoint ${name}: the reply was lost`);
    default:
      // Blocks the thread, as if the process got no processor time.
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
