/** One deliberate fault: a piece of a built package, and its replacement. */
export interface Mutant {
  readonly name: string;
  readonly of: 'core' | 'broker-memory';
  readonly search: string;
  readonly replace: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'ack does not remove the message',
    of: 'broker-memory',
    search: "case 'ack':\n                this.#forget(message);",
    replace: "case 'ack':\n                this.#ready.pushBack(message);",
  },
  {
    name: 'a settlement needs no fence',
    of: 'broker-memory',
    search: 'message.fence === fence && ',
    replace: '',
  },
  {
    name: 'the result of a refused settlement is stored',
    of: 'broker-memory',
    search: "else if ('result' in settlement",
    replace: "if ('result' in settlement",
  },
  {
    name: 'leases never expire',
    of: 'broker-memory',
    search: 'if (message.leaseEndsAt > now)',
    replace: 'if (true)',
  },
  {
    name: 'renewing a lease does nothing',
    of: 'broker-memory',
    search: 'this.hold(message, this.endOfLease());',
    replace: 'this.hold(message, message.leaseEndsAt);',
  },
  { name: 'a crash is not counted', of: 'broker-memory', search: 'message.crashes++;', replace: '' },
  {
    name: 'a release counts a crash',
    of: 'broker-memory',
    search: "case 'release':",
    replace: "case 'release':\n                message.crashes++;",
  },
  {
    name: 'delays are rounded down',
    of: 'broker-memory',
    search: 'now + Math.min(delayMs, this.#maxDelayMs)',
    replace: 'now + Math.floor(Math.min(delayMs, this.#maxDelayMs) / 10) * 10 - 5',
  },
  {
    name: 'delays are forgotten',
    of: 'broker-memory',
    search: 'if (delayMs <= 0)',
    replace: 'if (true)',
  },
  {
    name: 'a message that becomes due wakes no consumer',
    of: 'broker-memory',
    search: 'this.#delayed.watch();\n        this.ring();',
    replace: 'this.#delayed.watch();',
  },
  {
    name: 'dead letters are dropped',
    of: 'broker-memory',
    search: 'this.#dead.set(message.envelope.id, keptEnvelope(settlement.replacement));',
    replace: '',
  },
  {
    name: 'a retry keeps the old envelope',
    of: 'broker-memory',
    search: 'message.envelope = keptEnvelope(settlement.replacement, this.name);',
    replace: '',
  },
  {
    name: 'last in, first out',
    of: 'broker-memory',
    search: 'this.#delayed.place(message, latest))\n            this.#ready.pushBack(message);',
    replace: 'this.#delayed.place(message, latest))\n            this.#ready.pushFront(message);',
  },
  {
    name: 'bodies are treated as text',
    of: 'broker-memory',
    search: "Buffer.from(kept.bytes, 'latin1')",
    replace: 'Buffer.from(kept.bytes)',
  },
  {
    name: 'an idempotency key is ignored',
    of: 'broker-memory',
    search: 'idempotencyKey === undefined ? undefined : ',
    replace: 'true ? undefined : ',
  },
  { name: 'discard is not counted', of: 'broker-memory', search: 'this.#gone.discarded++;', replace: '' },
  {
    name: 'a field that is there is added again',
    of: 'broker-memory',
    search: 'if (!fields.has(field))',
    replace: 'if (true)',
  },
  {
    name: 'a record is changed whatever it holds',
    of: 'broker-memory',
    search: 'if (!isSame(fields.get(field), value))',
    replace: 'if (false)',
  },
  {
    name: 'a refused change prolongs the life of a record',
    of: 'broker-memory',
    search: 'return { changed: false, added: 0',
    replace: 'record.endsAt = this.#clock.monotonic() + ttlMs; return { changed: false, added: 0',
  },
  {
    name: 'an aborted receive still returns messages',
    of: 'broker-memory',
    search: 'if (signal.aborted || ',
    replace: 'if (',
  },
  {
    name: 'redriving keeps the attempts',
    of: 'core',
    search: '!FORGOTTEN_ON_REDRIVE.has(name)',
    replace: 'name !== ""',
  },
  {
    name: 'the arguments of older messages are not converted',
    of: 'core',
    search: 'if (from >= current) return message;',
    replace: 'return message;',
  },
  {
    name: 'messages of a newer version run',
    of: 'core',
    search: 'if (message.version > known)',
    replace: 'if (false)',
  },
  {
    name: 'a stop forgets the messages that have gathered',
    of: 'core',
    search: 'this.#giveBack(this.#batching.removeAll(lane));',
    replace: 'this.#batching.removeAll(lane);',
  },
  {
    name: 'suspects run in a batch',
    of: 'core',
    search: ' || isSuspect(delivery)',
    replace: '',
  },
  {
    name: 'a failed message of a batch has succeeded',
    of: 'core',
    search: 'this.#set(at, { error });',
    replace: '',
  },
  {
    name: 'a retry leaves its lane',
    of: 'core',
    search: 'replacement: {\n\t\t\t\t...settlement.replacement,\n\t\t\t\tqueue\n',
    replace: 'replacement: {\n\t\t\t\t...settlement.replacement\n',
  },
  {
    name: 'lanes are shared out evenly',
    of: 'core',
    search: 'high: 8,\n\tnormal: 4,',
    replace: 'high: 1,\n\tnormal: 1,',
  },
  {
    name: 'a failed message is acknowledged',
    of: 'core',
    search: 'kind: "failed",\n\t\t\terror\n',
    replace: 'kind: "succeeded"\n',
  },
  {
    name: 'a permanent error is retried',
    of: 'core',
    search: 'if (isA(error, PermanentError) || isA(error, ValidationError))',
    replace: 'if (false)',
  },
  {
    name: 'retries never end',
    of: 'core',
    search: 'if (message.attempt > (message.maxRetries ?? task.maxRetries))',
    replace: 'if (false)',
  },
  {
    name: 'retries do not wait',
    of: 'core',
    search: 'again(withoutLater(envelope), now + waitMs, headers)',
    replace: 'again(withoutLater(envelope), now, headers)',
  },
  {
    name: 'RetryLater counts an attempt',
    of: 'core',
    search: 'again(envelope, now + delayMs, {})',
    replace: "again(envelope, now + delayMs, { 'brokkr-attempt': '2' })",
  },
  {
    name: 'a handler that ignores its abort keeps its slot',
    of: 'core',
    search: 'execution.inGrace = true;',
    replace: '',
  },
  {
    name: 'no lease is renewed',
    of: 'core',
    search: 'if (this.#timer === void 0 && !this.#closed)',
    replace: 'if (false)',
  },
  {
    name: 'suspects run together',
    of: 'core',
    // The bundler writes the number in place of SUSPECT_CRASHES.
    search: 'return crashes >= 2;',
    replace: 'return crashes >= 99;',
  },
  {
    name: 'suspects run beside other messages',
    of: 'core',
    search: 'return alone;',
    replace: 'return true;',
  },
  {
    name: 'a poison message never becomes a dead letter',
    of: 'core',
    search: 'if (crashes >= judging.maxCrashes)',
    replace: 'if (false)',
  },
  {
    name: 'an expired message runs',
    of: 'core',
    search: 'envelope.expiresAt <= judging.now()',
    replace: 'false',
  },
  {
    name: 'an unknown task is dropped',
    of: 'core',
    search: 'return delayUnknown(delivery, { task: message.task }, reason, judging);',
    replace: "return settle({ kind: 'ack', delivery });",
  },
  {
    name: 'shutdown acknowledges interrupted messages',
    of: 'core',
    search: 'case "interrupted": return {\n\t\t\tkind: "release"',
    replace: 'case "interrupted": return {\n\t\t\tkind: "ack"',
  },
  {
    name: 'the depth of a payload is not checked',
    of: 'core',
    search: 'if (++depth > limit)',
    replace: 'if (false)',
  },
];
