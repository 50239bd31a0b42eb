import type { Signal } from '../broker/signals.ts';

/** The broadcasts by which processes steer workers, by topic. They are hints: a worker that missed one reads the state later. */
export interface ControlSignals {
  /** A queue was paused or resumed. */
  readonly pause: { readonly queue: string; readonly paused: boolean };
  /** A worker that runs this message must abort it. */
  readonly cancel: { readonly queue: string; readonly id: string };
  /** The answer to `cancel`: this process runs the message, and has aborted it. */
  readonly cancelling: { readonly id: string };
  /** The rule of a limit was set or reset. */
  readonly limit: { readonly limit: string };
  /** A worker must take no more messages, or take messages again. */
  readonly quiet: { readonly worker: string; readonly quiet: boolean };
  /** A run reports how far it is. `ended`: it is over, and this was the last one. */
  readonly progress: { readonly id: string; readonly value?: unknown; readonly ended?: boolean | undefined };
}

export type ControlTopic = keyof ControlSignals;

/** A control signal as it was received: topic, and a body whose fields were checked. */
export type ControlSignal = { readonly [T in ControlTopic]: { readonly topic: T } & ControlSignals[T] }[ControlTopic];

/** Longest id, queue or worker name that is accepted from outside. */
const LONGEST_NAME = 200;

/** The signal that carries `body`. */
export function controlSignal<T extends ControlTopic>(topic: T, body: ControlSignals[T]): Signal {
  return { topic, body: JSON.stringify(body) };
}

/**
 * Reads a control signal. Anything that may send to the broker may send signals, so every field is checked.
 * @returns `undefined` if it is not a control signal, or a field is missing or has another type
 */
export function readControlSignal({ topic, body }: Signal): ControlSignal | undefined {
  if (!Object.hasOwn(READERS, topic)) return undefined;
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof given !== 'object' || given === null) return undefined;
  return READERS[topic as ControlTopic](given as Readonly<Record<string, unknown>>);
}

type Fields = Readonly<Record<string, unknown>>;

const READERS: { readonly [T in ControlTopic]: (fields: Fields) => ControlSignal | undefined } = {
  pause: ({ queue, paused }) =>
    isName(queue) && typeof paused === 'boolean' ? { topic: 'pause', queue, paused } : undefined,
  cancel: ({ queue, id }) => (isName(queue) && isName(id) ? { topic: 'cancel', queue, id } : undefined),
  cancelling: ({ id }) => (isName(id) ? { topic: 'cancelling', id } : undefined),
  limit: ({ limit }) => (isName(limit) ? { topic: 'limit', limit } : undefined),
  quiet: ({ worker, quiet }) =>
    isName(worker) && typeof quiet === 'boolean' ? { topic: 'quiet', worker, quiet } : undefined,
  progress: ({ id, value, ended }) =>
    isName(id) ? { topic: 'progress', id, value, ...(ended === true && { ended }) } : undefined,
};

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_NAME;
}
