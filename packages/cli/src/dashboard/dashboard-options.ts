import { UsageError } from '../exit.ts';
import { isLoopback } from '../monitoring/monitor-options.ts';

export interface DashboardCommandOptions {
  readonly app?: string;
  readonly url?: readonly string[];
  readonly port: number;
  readonly host: string;
  readonly auth?: string;
  readonly readOnly: boolean;
  readonly payloads: boolean;
}

/** User and password for which browsers ask. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/**
 * User and password of `--auth` or `TASK_DASHBOARD_AUTH`.
 *
 * @returns `undefined` if neither is given, and only this host reaches the port: then a token in the URL gives access
 * @throws UsageError if neither is given and others reach the port, or for another form than `user:password`
 */
export async function credentialsOf({ auth, host }: DashboardCommandOptions): Promise<Credentials | undefined> {
  const { readEnvironment } = await import('@brokkr/core/adapter');
  const given = auth ?? readEnvironment().TASK_DASHBOARD_AUTH;
  if (given === undefined || given === '') {
    if (isLoopback(host)) return undefined;
    throw new UsageError(
      `--host ${host} opens the dashboard to the network: give --auth user:password, or set TASK_DASHBOARD_AUTH`,
    );
  }
  const [, user, password] = /^([^:]+):([\s\S]+)$/.exec(given) ?? [];
  if (user !== undefined && password !== undefined) return { user, password };
  const source = auth === undefined ? 'TASK_DASHBOARD_AUTH' : '--auth';
  throw new UsageError(`${source} must be user:password, with neither of them empty`);
}

/** A broker to show: its URL, and its name on the page. */
export interface NamedUrl {
  readonly name: string | undefined;
  readonly url: string | undefined;
}

/** Reads `--url`: URLs, or URLs with a name. Without it, the broker of the environment. */
export function namedBrokers(urls: readonly string[] | undefined): readonly NamedUrl[] {
  if (urls === undefined) return [{ name: undefined, url: undefined }];
  return urls.map((given) => {
    const [, name, url = given] = /^([A-Za-z0-9._-]{1,60})=(.*)$/s.exec(given) ?? [];
    return { name, url };
  });
}
