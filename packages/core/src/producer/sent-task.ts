import type { ResultStore } from '../broker/result-store.ts';
import type { Clock } from '../clock/clock.ts';
import { type Duration, toMs } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ResultTimeoutError, SerializationError, TaskFailedError, UnsupportedFeatureError } from '../errors/errors.ts';
import { errorLine } from '../errors/error-record.ts';
import { decodeResult } from '../result/result-record.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { TaskHandle } from '../task/task-handle.ts';

const RESULT_TIMEOUT: Duration = '30s';
const RESULT_OPTIONS: OptionNames<NonNullable<Parameters<TaskHandle['result']>[0]>> = { timeout: true };

/** The parts of a manager that a handle uses. */
export interface SentTaskPorts {
  readonly clock: Clock;
  readonly resultStore: () => Promise<ResultStore | undefined>;
  readonly cancel: (queue: string, id: string) => Promise<boolean>;
}

/** A message that was sent. */
export class SentTask implements TaskHandle {
  readonly id: string;
  readonly isNew: boolean;
  readonly queue: string;
  readonly #task: TaskDefinition;
  readonly #ports: SentTaskPorts;

  constructor(id: string, isNew: boolean, task: TaskDefinition, queue: string, ports: SentTaskPorts) {
    this.id = id;
    this.isNew = isNew;
    this.#task = task;
    this.queue = queue;
    this.#ports = ports;
  }

  async result(options: { readonly timeout?: Duration | undefined } = {}): Promise<unknown> {
    checkOptions(options, RESULT_OPTIONS, 'result');
    const { name, resultTtlMs } = this.#task;
    const timeoutMs = toMs(options.timeout ?? RESULT_TIMEOUT, 'result: timeout');
    if (resultTtlMs === undefined) {
      throw new UnsupportedFeatureError(`task ${name} keeps no result; define it with the option result: '1h'`, {
        code: 'RESULT_NOT_KEPT',
      });
    }
    const store = await this.#ports.resultStore();
    if (store === undefined) {
      throw new UnsupportedFeatureError(
        'this broker stores no results; set TASK_RESULT_URL to one that does, such as redis://',
        {
          code: 'RESULT_STORE_MISSING',
        },
      );
    }
    const bytes = await this.#load(store, timeoutMs);
    if (bytes === undefined) {
      throw new ResultTimeoutError(
        `task ${name}, message ${this.id}: no result within ${timeoutMs} ms; the message may still wait or run, or was cancelled`,
      );
    }
    const record = decodeResult(bytes, `task ${name}, message ${this.id}`);
    switch (record.kind) {
      case 'value':
        return record.value;
      case 'unserializable':
        throw new SerializationError(`task ${name} succeeded, but its result was not kept: ${record.reason}`, {
          path: 'result',
          code: 'RESULT_UNSERIALIZABLE',
        });
      case 'error':
        throw new TaskFailedError(`task ${name}, message ${this.id}, failed: ${errorLine(record.error)}`, {
          cause: record.error,
        });
    }
  }

  cancel(): Promise<boolean> {
    return this.#ports.cancel(this.queue, this.id);
  }

  async #load(store: ResultStore, timeoutMs: number): Promise<Uint8Array | undefined> {
    const { clock } = this.#ports;
    const deadline = new AbortController();
    const timer = clock.setTimeout(() => deadline.abort(), timeoutMs);
    try {
      return await store.load(this.id, deadline.signal);
    } finally {
      clock.clearTimeout(timer);
    }
  }
}
