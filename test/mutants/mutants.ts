/** One deliberate fault: a piece of a built file, and what stands there instead. */
export interface Mutant {
  readonly name: string;
  /** Below `packages/`. */
  readonly file: string;
  readonly search: string;
  readonly replace: string;
}

const memory = 'broker-memory/dist';
const core = 'core/dist';

export const mutants: readonly Mutant[] = [
  {
    name: 'ack forgets nothing',
    file: `${memory}/memory-queue.js`,
    search: "case 'ack':\n                this.#forget(message);",
    replace: "case 'ack':\n                this.#ready.pushBack(message);",
  },
  {
    name: 'a settlement needs no fence',
    file: `${memory}/lease-table.js`,
    search: 'message.fence === fence && ',
    replace: '',
  },
  {
    name: 'leases never run out',
    file: `${memory}/lease-table.js`,
    search: 'if (message.leaseEndsAt > now)',
    replace: 'if (true)',
  },
  {
    name: 'renewing a lease does nothing',
    file: `${memory}/lease-table.js`,
    search: 'this.hold(message, this.endOfLease());',
    replace: 'this.hold(message, message.leaseEndsAt);',
  },
  { name: 'a crash is not counted', file: `${memory}/memory-queue.js`, search: 'message.crashes++;', replace: '' },
  {
    name: 'a release counts a crash',
    file: `${memory}/memory-queue.js`,
    search: "case 'release':",
    replace: "case 'release':\n                message.crashes++;",
  },
  {
    name: 'delays are rounded down',
    file: `${memory}/memory-queue.js`,
    search: 'this.#clock.monotonic() + Math.min(delayMs, this.#maxDelayMs)',
    replace: 'this.#clock.monotonic() + Math.floor(Math.min(delayMs, this.#maxDelayMs) / 10) * 10 - 5',
  },
  {
    name: 'delays are forgotten',
    file: `${memory}/memory-queue.js`,
    search: 'if (delayMs === 0)',
    replace: 'if (delayMs >= 0)',
  },
  {
    name: 'what falls due rings no bell',
    file: `${memory}/memory-queue.js`,
    search: 'this.#watchDelayed();\n        this.ring();',
    replace: 'this.#watchDelayed();',
  },
  {
    name: 'dead letters are dropped',
    file: `${memory}/memory-queue.js`,
    search: 'this.#dead.set(message.envelope.id, keptEnvelope(settlement.replacement));',
    replace: '',
  },
  {
    name: 'a retry keeps the old envelope',
    file: `${memory}/memory-queue.js`,
    search: 'message.envelope = keptEnvelope(settlement.replacement, this.name);',
    replace: '',
  },
  {
    name: 'last in, first out',
    file: `${memory}/memory-queue.js`,
    search: 'if (delayMs === 0) {\n            this.#ready.pushBack(message);',
    replace: 'if (delayMs === 0) {\n            this.#ready.pushFront(message);',
  },
  {
    name: 'bodies are taken for text',
    file: `${memory}/stored-message.js`,
    search: "Buffer.from(kept.bytes, 'latin1')",
    replace: 'Buffer.from(kept.bytes)',
  },
  {
    name: 'an idempotency key is ignored',
    file: `${memory}/memory-broker.js`,
    search: 'idempotencyKey === undefined ? id : ',
    replace: 'true ? id : ',
  },
  { name: 'discard is not counted', file: `${memory}/memory-queue.js`, search: 'this.#gone.discarded++;', replace: '' },
  {
    name: 'an aborted receive still takes',
    file: `${memory}/memory-subscription.js`,
    search: 'if (signal.aborted || ',
    replace: 'if (',
  },
  {
    name: 'redriving keeps the attempts',
    file: `${core}/broker/dead-letter.js`,
    search: '!FORGOTTEN_ON_REDRIVE.has(name)',
    replace: 'name !== ""',
  },
  {
    name: 'acknowledged although it failed',
    file: `${core}/worker/execution.js`,
    search: "this.#end({ kind: 'failed', error });",
    replace: "this.#end({ kind: 'succeeded' });",
  },
  {
    name: 'a permanent error is retried',
    file: `${core}/worker/settle-outcome.js`,
    search: 'if (isA(error, PermanentError) || isA(error, ValidationError))',
    replace: 'if (false)',
  },
  {
    name: 'retries never end',
    file: `${core}/worker/settle-outcome.js`,
    search: 'if (message.attempt > (message.maxRetries ?? task.maxRetries))',
    replace: 'if (false)',
  },
  {
    name: 'retries do not wait',
    file: `${core}/worker/settle-outcome.js`,
    search: 'again(envelope, now + waitMs, headers)',
    replace: 'again(envelope, now, headers)',
  },
  {
    name: 'RetryLater counts an attempt',
    file: `${core}/worker/settle-outcome.js`,
    search: 'settling.now() + outcome.delayMs, {})',
    replace: "settling.now() + outcome.delayMs, { 'brokkr-attempt': '2' })",
  },
  {
    name: 'a handler that ignores its abort is never given up',
    file: `${core}/worker/runner.js`,
    search: 'execution.inGrace = true;',
    replace: '',
  },
  {
    name: 'no lease is renewed',
    file: `${core}/worker/lease-keeper.js`,
    search: 'if (this.#timer === undefined && !this.#closed)',
    replace: 'if (false)',
  },
  {
    name: 'suspects run in company',
    file: `${core}/worker/solitude.js`,
    search: 'const SUSPECT_CRASHES = 2;',
    replace: 'const SUSPECT_CRASHES = 99;',
  },
  {
    name: 'suspects run wherever they come',
    file: `${core}/worker/solitude.js`,
    search: 'return alone;',
    replace: 'return true;',
  },
  {
    name: 'a poison message lives for ever',
    file: `${core}/worker/process-delivery.js`,
    search: 'if (crashes >= judging.maxCrashes)',
    replace: 'if (false)',
  },
  {
    name: 'what has expired runs',
    file: `${core}/worker/process-delivery.js`,
    search: 'envelope.expiresAt <= judging.now()',
    replace: 'false',
  },
  {
    name: 'an unknown task is dropped',
    file: `${core}/worker/process-delivery.js`,
    search: 'return park(delivery, message, judging);',
    replace: "return settle({ kind: 'ack', delivery });",
  },
  {
    name: 'shutdown acknowledges what it interrupts',
    file: `${core}/worker/settle-outcome.js`,
    search: "return { kind: 'release', delivery };",
    replace: "return { kind: 'ack', delivery };",
  },
  {
    name: 'depth is not checked',
    file: `${core}/message/json-depth.js`,
    search: 'if (++depth > limit)',
    replace: 'if (false)',
  },
];
