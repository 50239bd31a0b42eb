/** Something about the server that a person should change. */
export interface Finding {
  /** `error`: messages would be lost, the server must not be used as it is. `warning`: it can be used with care. */
  readonly severity: 'error' | 'warning';
  /** Stable name of the finding, like an error code: `SERVER_EVICTS`. */
  readonly code: string;
  /** The problem and its remedy, for people; without secrets. */
  readonly message: string;
}

/** The part of a broker that judges its server, for `brokkr doctor`. */
export interface Diagnostics {
  /**
   * Checks whether the server can be trusted with messages, and changes nothing. It works also if every other call of
   * the broker would be refused.
   * @returns the problems; empty if there are none
   * @throws BrokerUnavailableError if the server cannot be reached
   */
  diagnose(): Promise<readonly Finding[]>;
}
