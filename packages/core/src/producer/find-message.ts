import type { FoundMessage, MessageIndex } from '../broker/message-index.ts';
import type { HandledMessage } from './handle-ports.ts';

/** A message, and the queue of the broker in which it was found. */
export interface LocatedMessage {
  readonly found: FoundMessage;
  readonly lane: string;
}

/** Looks a message up in every lane that it may be in. */
export async function findMessage(
  { id, lanes }: HandledMessage,
  messages: MessageIndex,
): Promise<LocatedMessage | undefined> {
  const answers = await Promise.all(lanes.map((lane) => messages.find(lane, [id])));
  const at = answers.findIndex((found) => found.length > 0);
  const found = answers[at]?.[0];
  return found === undefined ? undefined : { found, lane: lanes[at] as string };
}
