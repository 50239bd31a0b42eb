import type { Broker } from '@brokkr/core';
import type { Inspector } from '@brokkr/core/adapter';

/** A broker that can be looked into. */
export type Inspected = Broker & { readonly inspector: Inspector };
