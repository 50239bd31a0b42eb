import type { Delivery } from './delivery.ts';

/** Number of crashes that make a message a suspect: from then on it runs alone. */
export const SUSPECT_CRASHES = 2;

/** Whether a message may have caused the crashes it was in. */
export function isSuspect({ crashes }: Pick<Delivery, 'crashes'>): boolean {
  return crashes >= SUSPECT_CRASHES;
}
