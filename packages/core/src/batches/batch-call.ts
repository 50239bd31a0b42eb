import type { Logger } from 'pino';
import { type Duration, toMs } from '../clock/duration.ts';
import { ConfigError, LeaseLostError, PermanentError, TaskCancelledError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import type { Message } from '../message/message.ts';
import { runAs, runningTask } from '../task/current-task.ts';
import { RetryLater } from '../task/retry-later.ts';
import type { Handler } from '../task/task-definition.ts';
import type { Batch } from './batch.ts';
import { BatchRun } from './batch-run.ts';
import { type MemberCall, type MemberEnding, type MemberOutcome, MemberRun } from './member-run.ts';

/**
 * One call of the handler of a batch task. Every message runs as a task of its own: middleware, schema, time limit,
 * cancellation, settlement and events are those of any task. At the point at which another task would call its handler,
 * a message joins this call, which begins once all of them have joined or ended.
 */
export class BatchCall implements MemberCall {
  readonly #handler: Handler;
  readonly #logger: Logger;
  readonly #onEnded: ((isLast: boolean) => void) | undefined;
  /** Messages that have neither joined nor ended. */
  #expected: number;
  /** Messages that have not ended. */
  #open: number;
  /** Messages that have neither ended nor been aborted. */
  #live: number;
  /** Those that have joined, in the order of their deliveries. */
  readonly #joined: MemberRun[] = [];
  #run: BatchRun | undefined;
  #next = 0;

  /**
   * @param size number of messages that join or end
   * @param onEnded called when a message has ended
   */
  constructor(handler: Handler, size: number, logger: Logger, onEnded?: (isLast: boolean) => void) {
    this.#handler = handler;
    this.#logger = logger;
    this.#onEnded = onEnded;
    this.#expected = size;
    this.#open = size;
    this.#live = size;
  }

  nextIndex(): number {
    return this.#next++;
  }

  join(member: MemberRun, args: readonly unknown[]): Promise<unknown> {
    const { abortReason } = member;
    if (member.hasEnded || (abortReason !== undefined && isOver(abortReason))) return Promise.reject(abortReason);
    return new Promise((resolve, reject) => this.joinDirectly(member, args, { resolve, reject }));
  }

  joinDirectly(member: MemberRun, args: readonly unknown[], ending: MemberEnding): void {
    if (args.length > 1) throw notOneItem(member.name, args.length);
    member.item = args[0];
    member.ending = ending;
    this.#joined.push(member);
    this.#arrived();
  }

  aborted(member: MemberRun, reason: Error, isFirst: boolean): void {
    if (isOver(reason)) member.ending?.reject(reason);
    if (isFirst && --this.#live === 0) this.#run?.abort(reason);
  }

  ended(member: MemberRun): void {
    if (member.abortReason === undefined) this.#live--;
    if (member.ending === undefined) this.#arrived();
    const isLast = --this.#open === 0;
    if (isLast) this.#run?.end();
    this.#onEnded?.(isLast);
  }

  #arrived(): void {
    if (--this.#expected > 0) return;
    const members = this.#joined.filter(({ hasEnded, abortReason }) => !(hasEnded || isOver(abortReason)));
    if (members.length === 0) return;
    // Middleware may have changed the order.
    members.sort((one, other) => one.index - other.index);
    const run = new BatchRun(members, this.#logger);
    this.#run = run;
    const last = members.at(-1)?.abortReason;
    if (this.#live === 0 && last !== undefined) run.abort(last);
    this.#call(run, members);
  }

  #call(run: BatchRun, members: readonly MemberRun[]): void {
    const items = members.map(({ item }) => item);
    try {
      const answer: unknown = runAs(run, this.#handler, items, new Outcomes(run, members));
      if (typeof answer !== 'object' || answer === null) end(members);
      // It may be any thenable, also one whose `then` throws: a native promise handles all of them.
      else
        Promise.resolve(answer).then(
          () => end(members),
          (error: unknown) => end(members, { error }),
        );
    } catch (error) {
      end(members, { error });
    }
  }
}

/** The inner function of a batch task: lets the message that runs now join its call. */
export function joinCall(args: readonly unknown[]): Promise<unknown> {
  const run = runningTask();
  if (run instanceof MemberRun) return run.call.join(run, args);
  throw new ConfigError(
    'a message of a batch task has lost its run: a middleware has called next() outside of the async context in which it was called',
    { code: 'BATCH_CONTEXT_LOST' },
  );
}

/** Ends every message: with its own outcome, with the error of the handler, or with success. */
function end(members: readonly MemberRun[], failure?: { readonly error: unknown }): void {
  for (const { ending, outcome } of members) {
    const last = failure !== undefined && (outcome === undefined || 'value' in outcome) ? failure : outcome;
    if (last === undefined) ending?.resolve(undefined);
    else if ('error' in last) ending?.reject(last.error);
    else ending?.resolve(last.value);
  }
}

/** Whether a message is not part of its batch any longer. */
function isOver(reason: Error | undefined): boolean {
  return reason instanceof TaskCancelledError || reason instanceof LeaseLostError;
}

function notOneItem(task: string, count: number): PermanentError {
  return new PermanentError(`task ${task}: a message of a batch task has one argument; got ${count}`, {
    code: 'BATCH_ITEM_INVALID',
  });
}

/** The second argument of the handler. */
class Outcomes implements Batch {
  readonly size: number;
  readonly #run: BatchRun;
  readonly #members: readonly MemberRun[];

  constructor(run: BatchRun, members: readonly MemberRun[]) {
    this.size = members.length;
    this.#run = run;
    this.#members = members;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  message(at: number): Message {
    return this.#at(at).message;
  }

  fence(at: number): number {
    return this.#at(at).fence;
  }

  isOpen(at: number): boolean {
    const { hasEnded, abortReason } = this.#at(at);
    return !(hasEnded || isOver(abortReason));
  }

  fail(at: number, error: unknown): void {
    this.#set(at, { error });
  }

  retryLater(at: number, delay: Duration, reason?: string): void {
    toMs(delay, `task ${this.#run.name}: batch.retryLater: delay`);
    this.#set(at, { error: new RetryLater(delay, reason) });
  }

  result(at: number, value: unknown): void {
    this.#set(at, { value });
  }

  #set(at: number, outcome: MemberOutcome): void {
    this.#at(at).outcome = outcome;
  }

  #at(at: number): MemberRun {
    const member = Number.isSafeInteger(at) ? this.#members[at] : undefined;
    if (member !== undefined) return member;
    throw new ConfigError(
      `task ${this.#run.name}: a batch of ${this.size} has items 0 to ${this.size - 1}; got ${shown(at)}`,
      { code: 'BATCH_INDEX_INVALID' },
    );
  }
}
