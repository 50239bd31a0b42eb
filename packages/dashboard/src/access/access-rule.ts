/** What a user may do: look, or also change. `none` refuses. */
export type Level = 'none' | 'read' | 'operate';

/** A user, and what they may do. */
export interface Access {
  readonly level: Level;
  /** Name for logs, `onAction` and the page. @default 'user' */
  readonly who?: string | undefined;
  /** Whether values are shown that are redacted otherwise: see `redact`. @default false */
  readonly payloads?: boolean | undefined;
  /** Names of the queues that the user sees. @default all of them */
  readonly queues?: readonly string[] | undefined;
}

/**
 * Decides what a request may do, from its headers. It is asked for every call. If it throws, the request is refused.
 * `basicAuth` and `bearer` make rules; an application that knows its users has a rule of its own.
 */
export interface AccessRule {
  (request: Request): Level | Access | Promise<Level | Access>;
  /** Value of the header `www-authenticate` for requests without access: browsers then ask for a password. */
  readonly challenge?: string | undefined;
  /** Whether the files of the page, which hold no data, are served without access: it then logs in by itself. */
  readonly servesPage?: boolean | undefined;
  /** Answers `POST login`. */
  readonly login?: ((token: string, request: Request) => Response) | undefined;
}
