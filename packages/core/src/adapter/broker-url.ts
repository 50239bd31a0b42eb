import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { type Duration, toMs } from '../clock/duration.ts';
import { ConfigError } from '../errors/errors.ts';
import { redactUrl } from '../config/redact-url.ts';
import { checkUrlLength } from '../config/url-length.ts';

/** One host of a broker URL, as sockets take it: an IPv6 address without its brackets, the port 1 to 65,535. */
export interface BrokerHost {
  readonly host: string;
  readonly port: number;
}

/** Certificates and keys, as Node's `tls.connect` takes them. */
export interface TlsFiles {
  /** PEM: the authorities to trust in place of those that Node knows. */
  readonly ca?: Buffer;
  /** PEM: the certificate of this side, and its key. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Options of a query that name PEM files. */
export const TLS_OPTIONS = ['ca', 'cert', 'key'] as const;

/** The URLs of one adapter. `BrokerUrl` refuses a URL of another form, and options that are not listed. */
export interface BrokerUrlForm {
  /** An example of this broker's URLs, for errors. */
  readonly form: string;
  /** Names that its query may have. */
  readonly options: readonly string[];
}

const SHAPE = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;

/**
 * Parses a broker URL, for adapters: one host, or several with commas between. No error, log or `util.inspect` of it
 * shows its user, password or other secrets.
 */
export class BrokerUrl {
  /** In lower case, without its colon. */
  readonly scheme: string;
  /** Decoded; `undefined` if the URL has no user. */
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** The part after the hosts, without its first slash and not decoded: `decode` its parts. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly #url: string;
  readonly #authority: string;

  /** @throws ConfigError (`BROKER_URL_INVALID`) for a URL of another form or over 16 KiB, and for an unknown option */
  constructor(url: string, { form, options }: BrokerUrlForm) {
    checkUrlLength(url);
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

  /** The hosts in their order, `localhost` for an empty one. @throws ConfigError when one is not `host:port` */
  hosts(defaultPort: number): readonly BrokerHost[] {
    return this.#authority.split(',').map((given) => {
      const match = /^(\[[^\]]+\]|[^:]*)(?::(\d{1,5}))?$/.exec(given);
      const port = Number(match?.[2] ?? defaultPort);
      if (match === null || port < 1 || port > 65_535) {
        throw this.invalid(
          'a host is written host:port; if a password is meant, write # in it as %23: it ends a line of .env',
        );
      }
      return { host: (match[1] || 'localhost').replace(/^\[|\]$/g, ''), port };
    });
  }

  /** Decodes a part of the URL. @throws ConfigError when a percent sign in it is not part of an escape */
  decode(part: string): string {
    try {
      return decodeURIComponent(part);
    } catch {
      throw this.invalid('a % in user, password or path is written %25');
    }
  }

  /** Milliseconds of an option, at least 1. @throws ConfigError when it is 0 or not a duration */
  ms(option: string, standard: Duration): number {
    const ms = toMs(this.query.get(option) ?? standard, `broker URL ${redactUrl(this.#url)}: ${option}`);
    if (ms === 0) throw this.invalid(`${option} cannot be 0`);
    return ms;
  }

  /** Whether an option is `true`; an option that is absent is `false`. @throws ConfigError for any other value */
  flag(option: string): boolean {
    const given = this.query.get(option) ?? 'false';
    if (given === 'true' || given === 'false') return given === 'true';
    throw this.invalid(`${option} is true or false, not ${JSON.stringify(given.slice(0, 40))}`);
  }

  /**
   * The PEM files that `TLS_OPTIONS` name; `undefined` for a connection without TLS.
   * @param secure whether connections of this URL use TLS, and the option or scheme that turns it on, for the error
   * @throws ConfigError when a file cannot be read, only one of `cert` and `key` is given, or one is given without TLS
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

  /** An error about this URL. The message shows the URL without its secrets. */
  invalid(problem: string, cause?: unknown): ConfigError {
    return new ConfigError(`broker URL ${redactUrl(this.#url)}: ${problem}`, { code: 'BROKER_URL_INVALID', cause });
  }

  /** For `JSON.stringify`, `util.inspect` and loggers: the URL without its secrets. */
  toJSON(): string {
    return redactUrl(this.#url);
  }

  [inspect.custom](): string {
    return `BrokerUrl ${this.toJSON()}`;
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
