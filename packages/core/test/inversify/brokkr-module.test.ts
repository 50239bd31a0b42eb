import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Container, decorate, inject, injectable } from 'inversify';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { type Broker, ConfigError, registerBroker, type TaskContext, TaskManager } from '../../src/index.ts';
import type { BrokerOptions, Envelope } from '../../src/adapter/index.ts';
import {
  BROKER,
  brokkrModule,
  RETRY_POLICY,
  TASK_CONTEXT,
  TASK_MANAGER,
  task,
  tasksOf,
  WORKER,
} from '../../src/inversify/index.ts';
import { ManualClock } from '../../src/testing/index.ts';

class Counter {
  count = 0;
}

class Greetings {
  readonly counter: Counter;
  constructor(counter: Counter) {
    this.counter = counter;
  }
  async greet(name: string, _times?: number): Promise<string> {
    this.counter.count++;
    return `hello ${name} ${this.counter.count}`;
  }
  async undecorated(): Promise<void> {}
}
decorate(injectable(), Greetings);
decorate(inject(Counter), Greetings, 0);
const descriptor = Object.getOwnPropertyDescriptor(Greetings.prototype, 'greet') as TypedPropertyDescriptor<
  Greetings['greet']
>;
task({ queueName: 'greetings' })(Greetings.prototype, 'greet', descriptor);

/** A service of one attempt: two services that share it see the same instance. */
class Audit {
  readonly context: TaskContext;
  constructor(context: TaskContext) {
    this.context = context;
  }
}
decorate(injectable(), Audit);
decorate(inject(TASK_CONTEXT), Audit, 0);

class Reports {
  readonly audit: Audit;
  readonly tenant: string;
  constructor(audit: Audit, tenant: string) {
    this.audit = audit;
    this.tenant = tenant;
  }
  async build(name: string): Promise<string> {
    if (name === 'broken') throw new Error('broken');
    return `${name} of ${this.tenant}: ${this.audit.context.name} ${this.audit.context.attempt}`;
  }
}
decorate(injectable(), Reports);
decorate(inject(Audit), Reports, 0);
decorate(inject('tenant'), Reports, 1);
const build = Object.getOwnPropertyDescriptor(Reports.prototype, 'build') as TypedPropertyDescriptor<Reports['build']>;
task({ childContainer: true })(Reports.prototype, 'build', build);

function newManager(): TaskManager {
  return TaskManager.getInstance(`di-${randomUUID()}`);
}

/** A broker that keeps published messages and delivers none. */
function sink(): Broker & { readonly published: Envelope[] } {
  const published: Envelope[] = [];
  return {
    published,
    capabilities: {
      persistent: true,
      ordered: true,
      maxDelayMs: 1,
      delayResolutionMs: 1,
      idempotency: false,
      counts: 'ready-only',
    },
    publish: async (envelopes) => {
      published.push(...envelopes);
      return envelopes.map(({ id }) => ({ id, isNew: true }));
    },
    subscribe: () => Promise.reject(new Error('nobody subscribes here')),
    close: async () => undefined,
  };
}

function containerWith(manager: TaskManager, broker: Broker): Container {
  const container = new Container();
  container.bind(Counter).toDynamicValue(() => new Counter());
  container.load(brokkrModule({ tasks: [Greetings], manager, broker }));
  return container;
}

describe('brokkrModule', () => {
  it('names a task after class and method, and sends it without a container', async () => {
    const manager = newManager();
    const broker = sink();
    await manager.initialize({ broker });
    const { greet } = tasksOf(Greetings, manager);
    expect(greet.taskName).toBe('Greetings.greet');
    await greet.send('Ada');
    expect(broker.published[0]?.queue).toBe('greetings');
  });

  it('resolves the class for each call, with its dependencies', async () => {
    const manager = newManager();
    const container = containerWith(manager, sink());
    container.get(TASK_MANAGER);
    const { greet } = tasksOf(Greetings, manager);
    expect([await greet('a'), await greet('b')]).toEqual(['hello a 1', 'hello b 1']);
  });

  it('shares singletons between attempts', async () => {
    const manager = newManager();
    const container = containerWith(manager, sink());
    (await container.rebind(Counter)).toSelf().inSingletonScope();
    container.get(TASK_MANAGER);
    const { greet } = tasksOf(Greetings, manager);
    expect([await greet('a'), await greet('b')]).toEqual(['hello a 1', 'hello b 2']);
  });

  it.each(['singleton', 'transient', 'request'] as const)(
    'resolves a class with an asynchronous dependency in %s scope, for each call',
    async (scope) => {
      const manager = newManager();
      const container = containerWith(manager, sink());
      const binding = (await container.rebind(Counter)).toDynamicValue(async () => new Counter());
      if (scope === 'singleton') binding.inSingletonScope();
      if (scope === 'request') binding.inRequestScope();
      container.get(TASK_MANAGER);
      const { greet } = tasksOf(Greetings, manager);
      expect([await greet('a'), await greet('b')]).toEqual([
        'hello a 1',
        scope === 'singleton' ? 'hello b 2' : 'hello b 1',
      ]);
    },
  );

  it('lets an application bind the broker and the retry policy asynchronously', async () => {
    const manager = newManager();
    const container = containerWith(manager, sink());
    const later = sink();
    (await container.rebind(BROKER)).toDynamicValue(async () => later).inSingletonScope();
    (await container.rebind(RETRY_POLICY))
      .toDynamicValue(async () => ({ next: () => '1s' as const }))
      .inSingletonScope();
    expect((await container.getAsync(WORKER)).id).not.toBe('');
    await tasksOf(Greetings, manager).greet.send('Ada');
    expect(later.published).toHaveLength(1);
  });

  it('gives each attempt of a task with childContainer its own container with its context, which ends with the attempt', async () => {
    const manager = newManager();
    const container = new Container();
    container.bind(Audit).toSelf().inRequestScope();
    const ended: string[] = [];
    let made = 0;
    const childContainer = (context: TaskContext) => {
      const child = new Container({ parent: container });
      child
        .bind('tenant')
        .toDynamicValue(() => `tenant ${++made}`)
        .inSingletonScope()
        .onDeactivation((tenant: unknown) => void ended.push(`${String(tenant)} of ${context.name}`));
      return child;
    };
    container.load(brokkrModule({ tasks: [Reports], manager, broker: sink(), childContainer }));
    container.get(TASK_MANAGER);
    const reports = tasksOf(Reports, manager);
    expect(await reports.build('sales')).toBe('sales of tenant 1: Reports.build 1');
    await expect(reports.build('broken')).rejects.toThrow('broken');
    expect(ended).toEqual(['tenant 1 of Reports.build', 'tenant 2 of Reports.build']);
    expect(container.isBound(TASK_CONTEXT)).toBe(false);
  });

  it('asks for the option childContainer if it is missing', async () => {
    const manager = newManager();
    const container = new Container();
    container.load(brokkrModule({ tasks: [Reports], manager, broker: sink() }));
    container.get(TASK_MANAGER);
    await expect(tasksOf(Reports, manager).build('sales')).rejects.toMatchObject({ code: 'CHILD_CONTAINER_MISSING' });
  });

  it.each<[string, { readonly childContainer?: boolean }]>([
    ['', {}],
    [' from a child container', { childContainer: true }],
  ])('fails a run whose instance%s lacks the method, because nothing ran', async (_, options) => {
    class Mails {
      async deliver(): Promise<void> {}
    }
    decorate(injectable(), Mails);
    const method = Object.getOwnPropertyDescriptor(Mails.prototype, 'deliver') as TypedPropertyDescriptor<
      Mails['deliver']
    >;
    task(options)(Mails.prototype, 'deliver', method);
    const manager = newManager();
    const container = new Container();
    const childContainer = () => new Container({ parent: container });
    container.load(brokkrModule({ tasks: [Mails], manager, broker: sink(), childContainer }));
    container.get(TASK_MANAGER);
    for (const instance of [{}, { deliver: 'no function' }]) {
      (await container.rebind(Mails)).toConstantValue(instance as Mails);
      await expect(tasksOf(Mails, manager).deliver()).rejects.toMatchObject({
        name: 'ConfigError',
        code: 'TASK_METHOD_MISSING',
        message: expect.stringMatching(/^Mails\.deliver: /),
      });
    }
  });

  it('passes its clock and logger to the broker', async () => {
    const given: BrokerOptions[] = [];
    const scheme = `di-${randomUUID()}`;
    registerBroker(scheme, (_url, options) => {
      given.push(options);
      return sink();
    });
    const clock = new ManualClock();
    const logger = pino({ level: 'silent' });
    const container = new Container();
    container.load(brokkrModule({ brokerUrl: `${scheme}:`, manager: newManager(), clock, logger }));
    container.get(BROKER);
    expect(given).toHaveLength(1);
    expect(given[0]?.clock).toBe(clock);
    expect(given[0]?.logger).toBe(logger);
  });

  it('creates no broker with invalid options', () => {
    const container = new Container();
    const load = () => container.load(brokkrModule({ manager: newManager(), logger: console as never }));
    expect(load).toThrow(
      expect.objectContaining({
        name: 'ConfigError',
        message: expect.stringMatching(/^wrong settings:\n {2}logger must be /),
      }),
    );
  });

  it('lets a test rebind the broker', async () => {
    const manager = newManager();
    const container = containerWith(manager, sink());
    const fake = sink();
    (await container.rebind(BROKER)).toConstantValue(fake);
    container.get(TASK_MANAGER);
    await tasksOf(Greetings, manager).greet.send('Ada');
    expect(fake.published).toHaveLength(1);
  });

  it('accepts a default retry policy for all tasks', async () => {
    const manager = newManager();
    const container = containerWith(manager, sink());
    (await container.rebind(RETRY_POLICY)).toConstantValue({ next: () => '1s' });
    expect(container.get(TASK_MANAGER)).toBe(manager);
    expect(container.get(WORKER)).toBe(container.get(WORKER));
  });

  it('names the fault: a method that is not a task, a class without tasks, a missing container', async () => {
    const manager = newManager();
    expect(() => tasksOf(Greetings, manager).undecorated).toThrow(/Greetings\.undecorated is not a task; decorate it/);
    expect(() => tasksOf(Counter, manager)).toThrow(ConfigError);
    await expect(tasksOf(Greetings, manager).greet('x')).rejects.toThrow(/needs its container/);
  });

  it('is not loaded by the main entry, because InversifyJS changes Reflect', () => {
    const entry = join(import.meta.dirname, '../../dist/index.js');
    const script = `await import(${JSON.stringify(entry)}); console.log(typeof Reflect.getMetadata);`;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script]).toString().trim()).toBe('undefined');
  });
});
