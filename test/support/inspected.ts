import type { Broker } from '@brokkr/core';
import type { Inspector } from '@brokkr/core/adapter';

/** A broker that has an inspector. */
export type Inspected = Broker & { readonly inspector: Inspector };
