import { type Collapse, delayUntil, type Envelope, type PublishReceipt } from '@brokkr/core/adapter';
import { encodeEnvelope } from '../envelope-codec.ts';
import { keyDigest } from '../key-digest.ts';

/** The arguments of the script `collapse`. */
export function collapseArguments(envelopes: readonly Envelope[]): (string | Buffer)[] {
  const args: (string | Buffer)[] = [];
  const now = Date.now();
  for (const envelope of envelopes) {
    const { collapse } = envelope;
    if (collapse === undefined) continue;
    args.push(envelope.id, encodeEnvelope(envelope), String(delayUntil(envelope.notBefore, now)));
    args.push(keyDigest(collapse.key), collapse.mode, lifeOf(collapse));
    args.push(collapse.maxWaitMs === undefined ? '' : String(collapse.maxWaitMs));
  }
  return args;
}

/** The key of a debounced message that comes back, as the script `settle` reads it; empty without a key. */
export function keptKey(collapse: Collapse | undefined): string {
  if (collapse === undefined) return '';
  return `${keyDigest(collapse.key)} ${lifeOf(collapse)}${collapse.hasRun === true ? ' ran' : ''}`;
}

function lifeOf({ ttlMs }: Collapse): string {
  return String(Math.max(1, Math.ceil(ttlMs)));
}

/** The receipts of the messages, from the answer of the script without its first element. */
export function collapseReceipts(
  envelopes: readonly Envelope[],
  joined: readonly (number | Buffer)[],
): readonly PublishReceipt[] {
  const receipts = envelopes.map(({ id }): PublishReceipt => ({ id, isNew: true }));
  for (let at = 0; at < joined.length; at += 3) {
    const id = String(joined[at + 2]);
    const isReplacement = String(joined[at + 1]) === 'replaced';
    receipts[(joined[at] as number) - 1] = isReplacement ? { id, isNew: false, isReplacement } : { id, isNew: false };
  }
  return receipts;
}
