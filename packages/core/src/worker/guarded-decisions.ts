import type { Logger } from 'pino';
import { deadLetterEnvelope } from '../broker/dead-letter.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Settlement } from '../broker/settlement.ts';
import { errorLine, errorRecord } from '../errors/error-record.ts';
import { type JudgeContext, judgeDelivery, type Verdict } from './judge-delivery.ts';
import type { SettledOutcome } from './outcome.ts';
import { type Ended, type SettlementContext, settlementFor } from './settlement-for.ts';

/** Judges a delivery. An error in it must neither end the fetch loop nor come back with each delivery of the message. */
export function guardedVerdict(delivery: Delivery, judging: JudgeContext, logger: Logger): Verdict {
  try {
    return judgeDelivery(delivery, judging);
  } catch (error) {
    const { id, queue } = delivery.envelope;
    logger.error({ error, task: { id, queue } }, 'a message could not be read; it becomes a dead letter');
    return { kind: 'settle', settlement: bareLetter(delivery, error) };
  }
}

/** Decides how a run is settled. After an error in it the message must not stay held: its lease is renewed forever. */
export function guardedSettlement(
  outcome: SettledOutcome,
  ended: Ended,
  settling: SettlementContext,
  logger: Logger,
): Settlement {
  try {
    return settlementFor(outcome, ended, settling);
  } catch (error) {
    const { id, task: name, queue } = ended.message;
    logger.error({ error, task: { id, name, queue } }, 'a run could not be settled; its message becomes a dead letter');
    return bareLetter(ended.delivery, error);
  }
}

/** A dead letter without the headers of its message, because one of them may be at fault. */
function bareLetter(delivery: Delivery, error: unknown): Settlement {
  const { id, queue, body } = delivery.envelope;
  const reason = `malformed: ${errorLine(errorRecord(error))}`;
  const replacement = deadLetterEnvelope({ id, queue, body, headers: {} }, reason);
  return { kind: 'dead-letter', delivery, reason, replacement };
}
