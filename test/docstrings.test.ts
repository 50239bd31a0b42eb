import { describe, expect, it } from 'vitest';
import { type Documented, declarationsIn, exportsOf } from './support/docstrings.ts';

const ENTRIES = [
  'packages/core/src/index.ts',
  'packages/core/src/adapter/index.ts',
  'packages/core/src/testing/index.ts',
  'packages/core/src/inversify/index.ts',
  'packages/scheduler/src/index.ts',
  'packages/otel/src/index.ts',
  'packages/dashboard/src/index.ts',
  'packages/broker-memory/src/index.ts',
  'packages/broker-memory/src/testing/index.ts',
  'packages/broker-redis/src/index.ts',
  'packages/broker-amqp/src/index.ts',
];

/** Classes and interfaces that an application calls: each member has a docstring, except for self-explanatory ones. */
const CALLED = [
  ['packages/core/src/index.ts', 'TaskManager'],
  ['packages/core/src/index.ts', 'Sender'],
  ['packages/core/src/index.ts', 'TaskHandle'],
  ['packages/core/src/index.ts', 'TaskOptions'],
  ['packages/core/src/index.ts', 'SendOptions'],
  ['packages/core/src/index.ts', 'ManagerOptions'],
  ['packages/core/src/index.ts', 'WorkerOptions'],
  ['packages/scheduler/src/index.ts', 'SchedulerManager'],
  ['packages/core/src/testing/index.ts', 'ManualClock'],
  ['packages/broker-memory/src/testing/index.ts', 'TestApp'],
] as const;
const SELF_EXPLANATORY = new Set([
  'name',
  'logger',
  'runMode',
  'constructor',
  'now',
  'monotonic',
  'setTimeout',
  'clearTimeout',
]);

/** The names with which users begin: each has an example. */
const ENTRY_POINTS: Readonly<Record<string, readonly string[]>> = {
  'packages/core/src/index.ts': [
    'TaskManager',
    'TaskManager.task',
    'TaskManager.batchTask',
    'TaskManager.createWorker',
    'TaskManager.initialize',
    'TaskManager.use',
    'TaskManager.onStart',
    'Send.()',
    'Send.with',
    'Sender.sendMany',
    'Sender.with',
    'TaskHandle.result',
    'Worker',
    'Middleware',
    'RetryPolicy',
    'currentTask',
    'logger',
    'RetryLater',
    'PermanentError',
    'BrokkrError',
    'exponential',
    'linear',
    'fixed',
    'none',
    'createBroker',
    'openBroker',
    'registerBroker',
    'readDeadLetter',
    'redactUrl',
  ],
  'packages/core/src/adapter/index.ts': ['checkBroker', 'PartlyStoredError'],
  'packages/core/src/testing/index.ts': ['brokerSuite', 'ManualClock'],
  'packages/core/src/inversify/index.ts': ['brokkrModule', 'task', 'tasksOf'],
  'packages/scheduler/src/index.ts': ['SchedulerManager', 'SchedulerManager.addJob'],
  'packages/otel/src/index.ts': ['otel', 'observeQueues'],
  'packages/broker-memory/src/index.ts': ['MemoryBroker', 'createBroker'],
  'packages/broker-memory/src/testing/index.ts': ['testApp', 'TestApp'],
  'packages/broker-redis/src/index.ts': ['RedisBroker', 'createBroker'],
  'packages/broker-amqp/src/index.ts': ['AmqpBroker', 'createBroker'],
};

/** Names without a docstring, or whose docstring does not begin with their purpose. */
function undocumented(declarations: readonly Documented[]): string[] {
  return declarations.filter(({ docstring }) => !/^[^@\s]/.test(docstring)).map(({ name }) => name);
}

function memberGaps(declaration: Documented): string[] {
  return undocumented([...declaration.members.values()].filter(({ name }) => !SELF_EXPLANATORY.has(name)));
}

/** Lines of the example in a docstring; 0 if it has no example. */
function exampleLines({ docstring }: Documented): number {
  const [, example = ''] = /@example\s+([\s\S]*?)(?=\n@|$)/.exec(docstring) ?? [];
  return example === '' ? 0 : example.split('\n').filter((line) => line.trim() !== '').length;
}

function find(declarations: readonly Documented[], path: string): Documented {
  const [name, member] = path.split('.');
  const declaration = declarations.find((each) => each.name === name);
  const found = member === undefined ? declaration : declaration?.members.get(member);
  if (found === undefined) throw new Error(`there is no ${path}; correct the list of entry points`);
  return found;
}

describe('docstrings', () => {
  it.each(ENTRIES)('%s exports no name whose docstring is missing or begins with a tag', (entry) => {
    const declarations = exportsOf(entry);
    expect(declarations.length).toBeGreaterThan(0);
    expect(undocumented(declarations)).toEqual([]);
  });

  it.each(CALLED)('%s: every member of %s has one', (entry, name) => {
    const declaration = find(exportsOf(entry), name);
    expect(declaration.members.size).toBeGreaterThan(0);
    expect(memberGaps(declaration)).toEqual([]);
  });

  it.each(Object.entries(ENTRY_POINTS))(
    '%s has an example of one to six lines for each entry point',
    (entry, names) => {
      const declarations = exportsOf(entry);
      const lines = names.map((name) => [name, exampleLines(find(declarations, name))] as const);
      expect(lines.filter(([, count]) => count < 1 || count > 6)).toEqual([]);
    },
  );

  it('that are missing, begin with a tag or have no example are found', () => {
    const declarations = declarationsIn(`
/** Adds numbers. @throws Error if one is not a number */
export function add() {}
// Not a docstring.
export function subtract() {}
/** @throws Error */
export const divide = () => 1;
/**
 * Calculates.
 * @example
 * new Calculator().run();
 */
export class Calculator {
  /** Runs. */
  run() {}
  stop() {}
  #hidden() {}
}
`);
    expect(undocumented([...declarations.values()])).toEqual(['subtract', 'divide']);
    expect(memberGaps(find([...declarations.values()], 'Calculator'))).toEqual(['stop']);
    expect([...declarations.values()].map(exampleLines)).toEqual([0, 0, 0, 1]);
    expect(() => find([...declarations.values()], 'Calculator.walk')).toThrow('there is no Calculator.walk');
  });
});
