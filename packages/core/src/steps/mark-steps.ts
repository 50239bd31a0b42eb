import { STEPS_HEADER } from '../broker/headers.ts';
import type { Settlement } from '../broker/settlement.ts';

/**
 * Marks a message whose steps are stored and that does not end with `settlement`: the next run reads them. A message that
 * would be released is stored again with the mark, behind the ready ones: a release cannot change it.
 */
export function markSteps(settlement: Settlement): Settlement {
  const { envelope } = settlement.delivery;
  if (STEPS_HEADER in envelope.headers) return settlement;
  switch (settlement.kind) {
    case 'ack':
    case 'expire':
      return settlement;
    case 'release':
      return { kind: 'retry', delivery: settlement.delivery, replacement: marked(envelope) };
    case 'retry':
    case 'dead-letter':
      return { ...settlement, replacement: marked(settlement.replacement) };
  }
}

function marked<E extends Settlement['delivery']['envelope']>(envelope: E): E {
  return { ...envelope, headers: { ...envelope.headers, [STEPS_HEADER]: '1' } };
}
