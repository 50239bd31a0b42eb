import type { Broker } from './broker.ts';

/** Something about the server that a person should change. */
export interface Finding {
  /** `error`: it must not be used as it is, messages would be lost. `warning`: it can be, and a person should know. */
  readonly severity: 'error' | 'warning';
  /** Stable name of what was found, as of an error: `SERVER_EVICTS`. */
  readonly code: string;
  /** What is wrong and what to do, for people; no secrets. */
  readonly message: string;
}

/** A broker that can judge its server, for `brokkr doctor`. */
export interface DiagnosableBroker extends Broker {
  /**
   * Asks the server whether it can be trusted with messages, and changes nothing. Resolves with what is wrong, with
   * none where nothing is: also where every other call would be refused.
   * @throws BrokerUnavailableError where it cannot be asked
   */
  diagnose(): Promise<readonly Finding[]>;
}
