import { laneNames } from '../broker/lane-names.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { Clock } from '../clock/clock.ts';
import { type Duration, toMs } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { errorLine } from '../errors/error-record.ts';
import {
  ConfigError,
  ResultTimeoutError,
  SerializationError,
  TaskCancelledError,
  TaskFailedError,
  UnsupportedFeatureError,
} from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import { decodeResult } from '../result/result-record.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { TaskHandle, TaskStatus } from '../task/task-handle.ts';
import { cancelMessage } from './cancel-message.ts';
import type { HandledMessage, HandlePorts } from './handle-ports.ts';
import { messageStatus } from './message-status.ts';
import { progressFeed } from './progress-feed.ts';

const RESULT_TIMEOUT: Duration = '30s';
const RESULT_OPTIONS: OptionNames<NonNullable<Parameters<TaskHandle['result']>[0]>> = { timeout: true };
const CANCEL_OPTIONS: OptionNames<NonNullable<Parameters<TaskHandle['cancel']>[0]>> = { running: true };

/** The handle of a message. */
export class SentTask implements TaskHandle {
  readonly id: string;
  readonly outcome: TaskHandle['outcome'];
  readonly queue: string;
  readonly #task: TaskDefinition;
  readonly #ports: HandlePorts;
  readonly #lane: string | undefined;

  /** @param lane the queue of the broker, if it is known and the queue has lanes */
  constructor(
    id: string,
    outcome: TaskHandle['outcome'],
    task: TaskDefinition,
    queue: string,
    ports: HandlePorts,
    lane?: string,
  ) {
    this.id = id;
    this.outcome = outcome;
    this.#task = task;
    this.queue = queue;
    this.#lane = lane;
    this.#ports = ports;
  }

  get isNew(): boolean {
    return this.outcome === 'new';
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
    const bytes = await loadWithin(this.id, timeoutMs, store, this.#ports.clock);
    if (bytes === undefined) {
      throw new ResultTimeoutError(
        `task ${name}, message ${this.id}: no result within ${timeoutMs} ms; it may still be waiting or running, or its result has expired`,
      );
    }
    return resultIn(bytes, name, this.id);
  }

  status(): Promise<TaskStatus> {
    return messageStatus(this.#message, this.#ports);
  }

  async cancel(options: { readonly running?: boolean | undefined } = {}): Promise<boolean> {
    checkOptions(options, CANCEL_OPTIONS, 'cancel');
    const running: unknown = options.running ?? false;
    if (typeof running === 'boolean') return cancelMessage(this.#message, running, this.#ports);
    throw new ConfigError(`cancel: running must be true or false; got ${shown(running)}`, { code: 'OPTIONS_INVALID' });
  }

  progress(): AsyncIterable<unknown> {
    return progressFeed(this.#message, this.#ports);
  }

  get #message(): HandledMessage {
    const { id, queue } = this;
    const lanes = this.#lane !== undefined ? [this.#lane] : this.#task.priorities ? laneNames(queue) : [queue];
    return { id, queue, lanes, task: this.#task };
  }
}

async function loadWithin(
  id: string,
  timeoutMs: number,
  store: ResultStore,
  clock: Clock,
): Promise<Uint8Array | undefined> {
  const deadline = new AbortController();
  const timer = clock.setTimeout(() => deadline.abort(), timeoutMs);
  try {
    return await store.load(id, deadline.signal);
  } finally {
    clock.clearTimeout(timer);
  }
}

/** The value of a stored result. @throws the error with which the message ended */
function resultIn(bytes: Uint8Array, name: string, id: string): unknown {
  const record = decodeResult(bytes, `task ${name}, message ${id}`);
  if (record.kind === 'value') return record.value;
  if (record.kind === 'unserializable') {
    throw new SerializationError(`task ${name} succeeded, but its result was not kept: ${record.reason}`, {
      path: 'result',
      code: 'RESULT_UNSERIALIZABLE',
    });
  }
  const { error, state } = record;
  if (state === 'cancelled') throw new TaskCancelledError(error.message, { cause: error });
  throw new TaskFailedError(`task ${name}, message ${id}, failed: ${errorLine(error)}`, { cause: error });
}
