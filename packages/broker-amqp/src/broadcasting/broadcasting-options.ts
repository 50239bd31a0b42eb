import type { BrokerOptions } from '@brokkr/core/adapter';
import type { Connection } from '../connection/connection.ts';
import type { DeclarerOptions } from '../topology/declarer.ts';
import type { Names } from '../topology/names.ts';

/** What broadcasts of one broker share. */
export interface BroadcastingOptions {
  /** Sends. An alarm may stop it, so it is never the connection that receives. */
  readonly publishing: Connection;
  readonly consuming: Connection;
  readonly names: Names;
  readonly queueType: DeclarerOptions['queueType'];
  readonly logger: BrokerOptions['logger'];
}
