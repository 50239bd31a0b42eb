/** Ids of messages by where the server keeps them. */
export type Dump = Readonly<Record<'ready' | 'delayed' | 'held' | 'dead', readonly string[]>>;

/** A server of a test's own that can be broken: what a broker brings so that the fault suite runs on it. */
export interface FaultServer {
  readonly url: string;
  /** Where it listens: a proxy stands between. */
  readonly port: number;
  /** The same server by another port. */
  urlAt(port: number): string;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, and nothing is answered. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Starts it again on what it has kept. */
  run(): Promise<void>;
  /** Ends it, and leaves nothing behind. */
  stop(): Promise<void>;
  /** Breaks every connection of every client, from the server's side. */
  breakConnections(): Promise<void>;
  /** Resolves once a queue that was just declared survives a `kill -9`; where it is absent, one does at once. */
  queuesAreKept?(): Promise<void>;
  /** Deletes all queues that earlier tests have left: for a server that a thousand of them would slow down. */
  sweep?(): Promise<void>;
  /** Resolves once it holds nothing but dead letters: for a server whose `counts` do not tell what runs. */
  quiet?(namespace: string, boundMs: number): Promise<void>;
  /** Where it keeps each message, in one look; `undefined` for a server that cannot tell. */
  dump(namespace: string, queue: string): Promise<Dump | undefined>;
}

/** A broker under faults, and the bounds it holds itself to. */
export interface FaultBroker<S extends FaultServer = FaultServer> {
  readonly name: string;
  start(): Promise<S>;
  /** From `kill -9` of a worker until what it held has run elsewhere. */
  recoveryMs(leaseMs: number): number;
  /** Its server refuses the settlements of a hand-over that is over. A copy published in doubt needs no fence. */
  readonly fences: boolean;
}
