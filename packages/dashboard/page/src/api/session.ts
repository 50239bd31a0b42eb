import { computed, signal } from '@preact/signals';
import type { Ability, BrokerInfo, Session } from '../../../src/api/types.ts';
import { route } from '../route/route.ts';
import { ApiError, apiUrl, get } from './client.ts';
import { setServerTime } from './clock.ts';

/** The user, and what may be done; `undefined` until the server answered. */
export const session = signal<Session | undefined>(undefined);

/** Why there is no session. */
export const sessionFailure = signal<ApiError | undefined>(undefined);

/** Asks who the user is. It is called at start, and again after a connection was lost. */
export async function loadSession(): Promise<void> {
  try {
    session.value = await get<Session>(apiUrl(['session']));
    sessionFailure.value = undefined;
    setServerTime(session.value.at);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    sessionFailure.value = error;
    if (error.status === 401) session.value = undefined;
  }
}

/** The broker that the address names, or the first one. */
export const broker = computed<BrokerInfo | undefined>(() => {
  const known = session.value?.brokers ?? [];
  return known.find(({ name }) => name === route.value.path[0]) ?? known[0];
});

/** Whether buttons that change something are shown. The server decides again. */
export const mayOperate = computed(() => session.value?.can.operate === true && !session.value.readOnly);

/** `undefined` if the broker can, otherwise the reason why it cannot. */
export function reasonAgainst(ability: Ability): string | undefined {
  const can = broker.value?.can[ability];
  return can === true || can === undefined ? undefined : can;
}
