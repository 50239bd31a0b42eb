import type { Logger } from 'pino';
import { ConfigError } from '../errors/errors.ts';
import { type RunBindings, TaskRun } from '../task/task-run.ts';
import type { MemberRun } from './member-run.ts';

/** The run of a batch's handler, as `currentTask()` returns it. Id, attempt and headers are those of the first message. */
export class BatchRun extends TaskRun {
  readonly #members: readonly MemberRun[];

  /** @param members the messages of the call, at least one */
  constructor(members: readonly MemberRun[], logger: Logger) {
    const { message, maxRetries, delivery } = members[0] as MemberRun;
    super(message, maxRetries, logger, { openSteps: () => unsupported(message.task, 'steps') }, delivery);
    this.#members = members;
  }

  /** @throws ConfigError (`BATCH_UNSUPPORTED`): progress belongs to one message */
  override progress(): never {
    return unsupported(this.name, 'progress');
  }

  override abort(reason: Error): boolean {
    if (!super.abort(reason)) return false;
    for (const member of this.#members) if (!member.hasEnded) member.abort(reason);
    return true;
  }

  override noteStopCall(): void {
    super.noteStopCall();
    for (const member of this.#members) member.noteStopCall();
  }

  override bindings(): RunBindings {
    return { ...super.bindings(), batch: this.#members.length };
  }
}

function unsupported(task: string, what: 'progress' | 'steps'): never {
  throw new ConfigError(
    `task ${task}: a batch has no ${what}, because it is many messages; define a task for one message with tm.task`,
    { code: 'BATCH_UNSUPPORTED' },
  );
}
