import type { MemberEnding, MemberRun } from '../batches/member-run.ts';
import { Execution } from './execution.ts';

/** The run of one message of a batch. Without middleware and schema it joins its call without a promise of its own. */
export class MemberExecution extends Execution implements MemberEnding {
  declare readonly run: MemberRun;

  override start(): void {
    if (this.task.joinsDirectly !== true) {
      super.start();
      return;
    }
    try {
      this.run.call.joinDirectly(this.run, this.message.args, this);
    } catch (error) {
      this.threw(error);
    }
  }

  resolve(value: unknown): void {
    this.returned(value);
  }

  reject(error: unknown): void {
    this.threw(error);
  }
}
