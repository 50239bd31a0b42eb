import type { FoundMessage } from '@brokkr/core/adapter';
import { handedOut, type KeptEnvelope, type StoredMessage } from './stored-message.ts';

/** What a queue knows of a message beside its state. */
interface Knowledge {
  /** When a delayed message is due, by the host's clock. */
  readonly dueAt: (message: StoredMessage) => number;
  /** Id of the worker that holds it. */
  readonly workerOf: (message: StoredMessage) => string | undefined;
}

/** A message as `messages.find` returns it, if it is stored; else its dead letter. */
export function foundMessage(
  message: StoredMessage | undefined,
  letter: KeptEnvelope | undefined,
  { dueAt, workerOf }: Knowledge,
): FoundMessage | undefined {
  if (message === undefined) return letter && { state: 'dead', envelope: handedOut(letter) };
  const envelope = handedOut(message.envelope);
  if (message.state === 'delayed') return { state: 'delayed', envelope, dueAt: dueAt(message) };
  if (message.state === 'ready') return { state: 'ready', envelope };
  return { state: 'running', envelope, workerId: workerOf(message) };
}
