/** Ids of messages, by the state in which the server stores them. */
export type Dump = Readonly<Record<'ready' | 'delayed' | 'held' | 'dead', readonly string[]>>;

/** A server for a test that can be broken. A broker implements it to run the fault suite. */
export interface FaultServer {
  readonly url: string;
  /** Port of the server; a proxy is in between. */
  readonly port: number;
  /** Returns the URL of the same server on another port. */
  urlAt(port: number): string;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, and nothing is answered. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Starts it again with its stored data. */
  run(): Promise<void>;
  /** Ends it, and leaves nothing behind. */
  stop(): Promise<void>;
  /** Breaks every connection of every client, from the server's side. */
  breakConnections(): Promise<void>;
  /**
   * Resolves once a queue that was just declared would survive a `kill -9`; if it is absent, every queue does
   * immediately.
   */
  queuesAreKept?(): Promise<void>;
  /** Deletes all queues that earlier tests have left: for a server that a thousand of them would slow down. */
  sweep?(): Promise<void>;
  /** Resolves once the server stores only dead letters: for a server whose `counts` do not include running messages. */
  quiet?(namespace: string, boundMs: number): Promise<void>;
  /** Returns the state of each message, at one moment; `undefined` for a server that does not know it. */
  dump(namespace: string, queue: string): Promise<Dump | undefined>;
}

/** A broker under faults, and the time limits that it guarantees. */
export interface FaultBroker<S extends FaultServer = FaultServer> {
  readonly name: string;
  start(): Promise<S>;
  /** Time from a `kill -9` of a worker until its messages have run elsewhere. */
  recoveryMs(leaseMs: number): number;
  /** Whether its server refuses settlements of ended deliveries. A copy published in doubt needs no fence. */
  readonly fences: boolean;
}
