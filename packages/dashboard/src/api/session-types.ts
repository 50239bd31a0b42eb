/** The body of every failure. */
export interface ErrorBody {
  readonly error: {
    /** Upper case with underscores, such as `FORBIDDEN`. */
    readonly code: string;
    readonly message: string;
    /** With 409 of `POST :b/bulk`: how many letters match now. Left out if there are more than could be counted. */
    readonly matched?: number;
  };
}

/** A list that was complete at `at`. */
export interface Listed<Item> {
  readonly at: number;
  readonly items: readonly Item[];
  /** Set if the broker could not be asked: the items are the last ones known, or none. */
  readonly error?: ErrorBody['error'];
}

/** Something that a broker can or cannot do for the dashboard. */
export type Ability =
  /** Looking at messages changes nothing. Otherwise a look is asked for with `POST look`. */
  | 'browse'
  | 'find'
  | 'cancel'
  | 'cancelRunning'
  | 'promote'
  | 'pause'
  | 'workers'
  | 'quiet'
  /** The server counts running messages. Otherwise the figure is the sum of the workers' reports. */
  | 'countRunning'
  /** The age of the oldest ready message. */
  | 'oldest'
  /** Jobs of schedulers are known to this dashboard. */
  | 'schedules';

/** A broker that this dashboard shows. */
export interface BrokerInfo {
  /** Part of URLs: 1 to 60 characters of `A-Z a-z 0-9 . _ -`. */
  readonly name: string;
  /** `redis`, `rabbitmq`, `memory`, or the scheme of another broker. */
  readonly kind: string;
  /** `true`, or the reason why not: one sentence for people. */
  readonly can: Readonly<Record<Ability, true | string>>;
}

/** What the user of this session may do. The server checks it again for each call and queue. */
export interface Rights {
  readonly operate: boolean;
  /** Whether redacted values are shown. */
  readonly payloads: boolean;
  /** `all`, or the names of the queues that are shown. */
  readonly queues: 'all' | readonly string[];
}

/** Who asks, what they may do, and what this dashboard shows. */
export interface Session {
  /** Name of the user, for people. */
  readonly who: string;
  readonly can: Rights;
  /** Whether the whole dashboard is read-only, for every user. */
  readonly readOnly: boolean;
  readonly brokers: readonly BrokerInfo[];
  readonly version: string;
  /** The server's clock. */
  readonly at: number;
  /** When this dashboard started. */
  readonly startedAt: number;
  /** Upper bounds of the classes by which workers count times, in milliseconds. A percentile is an estimate within a class. */
  readonly durationBounds: readonly number[];
}

/** The token in the URL that `brokkr dashboard` prints. */
export interface LoginRequest {
  readonly token: string;
}
