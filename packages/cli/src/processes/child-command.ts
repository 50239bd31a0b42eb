/** Variable that hands `--broker` to a worker process: unlike an argument, it does not show in a list of processes. */
const BROKER = 'BROKKR_CHILD_BROKER_URL';

export interface ChildOptions {
  readonly manager?: string | undefined;
  readonly queues?: string | undefined;
  readonly concurrency?: number;
  readonly broker?: string;
}

/** What a supervisor starts its worker processes with. */
export interface ChildCommand {
  /** Arguments of `brokkr worker`. */
  readonly args: readonly string[];
  /** Variables that are added to the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** The command of a worker process. The broker's URL may have a password, so it is a variable. */
export function childCommand(appPath: string, { manager, queues, concurrency, broker }: ChildOptions): ChildCommand {
  return {
    args: [
      ...['--app', appPath],
      ...(manager === undefined ? [] : ['--manager', manager]),
      ...(queues === undefined ? [] : ['--queues', queues]),
      ...(concurrency === undefined ? [] : ['--concurrency', String(concurrency)]),
    ],
    env: broker === undefined ? {} : { [BROKER]: broker },
  };
}

/**
 * The `--broker` of the supervisor that started this process. It is removed from the environment, which processes that a
 * handler starts inherit.
 */
export function takeSupervisorBroker(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const url = env[BROKER];
  delete env[BROKER];
  return url;
}
