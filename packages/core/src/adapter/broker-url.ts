import { readFileSync } from 'node:fs';
import { type Duration, toMs } from '../clock/duration.ts';
import { ConfigError } from '../errors/errors.ts';
import { redactUrl } from '../config/redact-url.ts';

/** One host of a broker URL, as sockets take it: an IPv6 address without its brackets, the port 1 to 65,535. */
export interface BrokerHost {
  readonly host: string;
  readonly port: number;
}

/** What Node's `tls.connect` takes to prove who is who. */
export interface TlsFiles {
  /** PEM: whom to trust in place of the authorities that Node knows. */
  readonly ca?: Buffer;
  /** PEM: the certificate this side shows, and its key. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Options of a query that name PEM files. */
export const TLS_OPTIONS = ['ca', 'cert', 'key'] as const;

/** What `BrokerUrl` takes for a URL of this adapter: whatever else stands in its query is refused. */
export interface BrokerUrlForm {
  /** What a URL of this broker looks like, for errors. */
  readonly form: string;
  /** Names that its query may have. */
  readonly options: readonly string[];
}

const SHAPE = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;

/** A broker URL taken apart, for adapters: one host or several, with commas between. Its errors tell no secret. */
export class BrokerUrl {
  /** In lower case, without its colon. */
  readonly scheme: string;
  /** Decoded; `undefined` where the URL names nobody. */
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** What follows the hosts, without its first slash, as it is written: `decode` its parts. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly #url: string;
  readonly #authority: string;

  /** @throws ConfigError (`BROKER_URL_INVALID`) where it is no such URL, or its query has an option not in `options` */
  constructor(url: string, { form, options }: BrokerUrlForm) {
    this.#url = url;
    const match = SHAPE.exec(url);
    if (match === null) throw this.invalid(`write ${form}`);
    const [, scheme = '', credentials, authority = '', path = '', search = ''] = match;
    if (/@/.test(path + search)) {
      throw this.invalid('in user, password and path / is written %2F, ? is %3F, # is %23 and @ is %40');
    }
    this.scheme = scheme.toLowerCase();
    this.path = path;
    this.#authority = authority;
    const colon = credentials?.indexOf(':') ?? -1;
    this.username = this.#credential(colon < 0 ? credentials : credentials?.slice(0, colon)) || undefined;
    this.password = colon < 0 ? undefined : this.#credential(credentials?.slice(colon + 1));
    this.query = new URLSearchParams(search);
    for (const name of this.query.keys()) {
      if (!options.includes(name)) {
        throw this.invalid(`unknown option ${JSON.stringify(name)}; known are ${options.join(', ')}`);
      }
      if (this.query.getAll(name).length > 1) throw this.invalid(`${name} is given twice`);
    }
  }

  /** The hosts in their order, `localhost` where there is none. @throws ConfigError where one is not `host:port` */
  hosts(defaultPort: number): readonly BrokerHost[] {
    return this.#authority.split(',').map((given) => {
      const match = /^(\[[^\]]+\]|[^:]*)(?::(\d{1,5}))?$/.exec(given);
      const port = Number(match?.[2] ?? defaultPort);
      if (match === null || port < 1 || port > 65_535) throw this.invalid('a host is written host:port');
      return { host: (match[1] || 'localhost').replace(/^\[|\]$/g, ''), port };
    });
  }

  /** A part of the URL without its percent signs. @throws ConfigError where one stands there for itself */
  decode(part: string): string {
    try {
      return decodeURIComponent(part);
    } catch {
      throw this.invalid('a % in user, password or path is written %25');
    }
  }

  /** Milliseconds of an option, at least 1. @throws ConfigError where it is no duration, or 0 */
  ms(option: string, standard: Duration): number {
    const ms = toMs(this.query.get(option) ?? standard, `broker URL ${redactUrl(this.#url)}: ${option}`);
    if (ms === 0) throw this.invalid(`${option} cannot be 0`);
    return ms;
  }

  /** Whether an option is on: `true`; off is `false`, or not there. @throws ConfigError for anything else */
  flag(option: string): boolean {
    const given = this.query.get(option) ?? 'false';
    if (given === 'true' || given === 'false') return given === 'true';
    throw this.invalid(`${option} is true or false, not ${JSON.stringify(given.slice(0, 40))}`);
  }

  /**
   * The PEM files that `TLS_OPTIONS` name; `undefined` in the clear.
   * @param secure what makes this URL's connections secure, for the error, and whether it does
   * @throws ConfigError where one cannot be read, `cert` and `key` are no pair, or one is named in the clear
   */
  tlsFiles(secure: { readonly by: string; readonly isOn: boolean }): TlsFiles | undefined {
    if (!secure.isOn) {
      if (!TLS_OPTIONS.some((name) => this.query.has(name))) return undefined;
      throw this.invalid(`${TLS_OPTIONS.join(', ')} need ${secure.by}`);
    }
    if (this.query.has('cert') !== this.query.has('key')) throw this.invalid('cert and key go together');
    const files: { -readonly [Name in keyof TlsFiles]: TlsFiles[Name] } = {};
    for (const name of TLS_OPTIONS) {
      const path = this.query.get(name);
      if (path !== null) files[name] = this.#read(name, path);
    }
    return files;
  }

  /** An error about this URL, which is shown without its secrets. */
  invalid(problem: string, cause?: unknown): ConfigError {
    return new ConfigError(`broker URL ${redactUrl(this.#url)}: ${problem}`, { code: 'BROKER_URL_INVALID', cause });
  }

  #credential(given: string | undefined): string | undefined {
    return given === undefined ? undefined : this.decode(given);
  }

  #read(option: string, path: string): Buffer {
    try {
      return readFileSync(path);
    } catch (cause) {
      throw this.invalid(`${option} names a file that cannot be read: ${path}`, cause);
    }
  }
}
