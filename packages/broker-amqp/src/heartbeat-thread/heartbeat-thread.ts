import { type BrokerOptions, LoopGuard } from '@brokkr/core/adapter';
import type { Connection } from '../connection/connection.ts';
import { RunDeadline } from './run-deadline.ts';
import { SOCKET_LAYOUT } from '../connection/shared-socket.ts';

const REFUSED = 'a thread cannot write to this connection to RabbitMQ, which uses TLS';

/**
 * Sends heartbeats while the event loop of this process is blocked, so that RabbitMQ does not close connections and
 * deliver their messages again. It stops when the handler that blocks it is past its timeout. See
 * `docs/adr/0014-a-thread-keeps-leases-of-blocked-loops.md`.
 */
export class HeartbeatThread {
  readonly #guard: LoopGuard;

  /**
   * @param silenceLimitMs silence after which the server closes a connection
   * @returns `undefined` if no thread can be started
   */
  static start(
    connections: readonly Connection[],
    silenceLimitMs: number,
    logger: BrokerOptions['logger'],
  ): HeartbeatThread | undefined {
    const sockets = connections.map(({ socket }) => socket);
    const guard = LoopGuard.start({
      module: new URL('./send-heartbeats.js', import.meta.url),
      data: { sockets: sockets.map(({ memory }) => memory), layout: SOCKET_LAYOUT },
      afterMs: silenceLimitMs / 4,
      everyMs: silenceLimitMs / 4,
      logger,
    });
    if (guard === undefined) return undefined;
    let isReported = false;
    const onRefused = () => {
      if (!isReported) logger?.info(`${REFUSED}: heartbeats are not sent while the event loop is blocked`);
      isReported = true;
    };
    for (const socket of sockets) socket.share(onRefused);
    return new HeartbeatThread(guard);
  }

  private constructor(guard: LoopGuard) {
    this.#guard = guard;
  }

  /** For the runs of one subscription. The thread reads when the last of them must have ended. */
  open(): RunDeadline {
    const deadline = new RunDeadline(this.#guard);
    this.#guard.post(deadline.memory);
    return deadline;
  }

  close(): Promise<void> {
    return this.#guard.close();
  }
}
