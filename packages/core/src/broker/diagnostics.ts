/** Something about the server that a person should change. */
export interface Finding {
  /** `error`: messages would be lost, the server must not be used as it is. `warning`: it can be used with care. */
  readonly severity: 'error' | 'warning';
  /** Stable name of the finding, like an error code: `SERVER_EVICTS`. */
  readonly code: string;
  /** The problem and its remedy, for people; without secrets. */
  readonly message: string;
}

/** A repair that `repair` has made. */
export interface Repair {
  /** Stable name of the problem: the code of the finding, such as `MESSAGES_STRANDED`. */
  readonly code: string;
  /** The queue, if one was repaired. */
  readonly queue?: string | undefined;
  /** How many messages, letters or keys were repaired. */
  readonly count: number;
  /** The repair, for people; without secrets. */
  readonly message: string;
}

/** The part of a broker that checks its server, for `brokkr doctor`. */
export interface Diagnostics {
  /**
   * Checks whether the server can be trusted with messages, and changes nothing. It works also if every other call of
   * the broker would be refused.
   * @returns the problems; empty if there are none
   * @throws BrokerUnavailableError if the server cannot be reached
   */
  diagnose(): Promise<readonly Finding[]>;
  /**
   * Repairs the damage that other clients have done to the broker's data, and nothing else: messages that are stored
   * but in no line are put back, foreign values are moved aside. For `brokkr doctor --repair`. Workers may keep
   * running. Left out if the server keeps no data that another client could damage.
   * @returns what was done; empty if nothing was wrong
   * @throws BrokerUnavailableError if the server cannot be reached
   */
  repair?(): Promise<readonly Repair[]>;
}
