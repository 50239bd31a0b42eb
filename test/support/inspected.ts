import type { Broker, Inspector } from '@brokkr/core';

/** A broker that can be looked into. */
export type Inspected = Broker & { readonly inspector: Inspector };
