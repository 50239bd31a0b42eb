import assert from 'node:assert/strict';
import type { Broker } from '../../broker/broker.ts';
import { checkBroker, PART_METHODS } from '../../broker/check-broker.ts';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';

const PARTS = Object.keys(PART_METHODS) as (keyof typeof PART_METHODS)[];

/** Copies the broker of the bench to a plain object that a case can change. */
function decorable({ broker }: TestBench): Broker {
  return {
    ...broker,
    publish: broker.publish.bind(broker),
    subscribe: broker.subscribe.bind(broker),
    close: broker.close.bind(broker),
  };
}

export const parts: Group = {
  name: 'the parts of the broker',
  cases(it) {
    it('keeps every part in a decorator written as { ...broker, publish }', async (bench) => {
      const decorated = decorable(bench);
      for (const part of PARTS)
        assert.equal(decorated[part], bench.broker[part], `part ${part} must be an own property`);
      checkBroker(decorated);
    });

    it('has every method of its parts, and capabilities that agree with them', async (bench) => {
      checkBroker(bench.broker);
    });

    it('is refused at its opening if a part lacks a method; the error names part and method', async (bench) => {
      for (const part of PARTS) {
        for (const method of PART_METHODS[part]) {
          const methods = Object.fromEntries(PART_METHODS[part].map((name) => [name, () => undefined]));
          const broken = { ...decorable(bench), [part]: { ...methods, [method]: undefined } } as Broker;
          assert.throws(() => checkBroker(broken), {
            code: 'BROKER_INVALID',
            message: new RegExp(`${part}.*${method}`),
          });
        }
      }
    });

    it('is refused at its opening if a part is inherited, because { ...broker } would lose it', async (bench) => {
      for (const part of PARTS) {
        const methods = Object.fromEntries(PART_METHODS[part].map((name) => [name, () => undefined]));
        const { [part]: _, ...others } = decorable(bench);
        const broken = Object.assign(Object.create({ [part]: methods }), others) as Broker;
        assert.throws(() => checkBroker(broken), { code: 'BROKER_INVALID', message: new RegExp(`${part}.*inherited`) });
      }
    });

    it('is refused at its opening if a part is a getter that throws', async (bench) => {
      for (const part of PARTS) {
        const broken = Object.defineProperty({ ...decorable(bench) }, part, {
          get: () => {
            throw new Error('not loaded');
          },
        });
        assert.throws(() => checkBroker(broken), { code: 'BROKER_INVALID', message: new RegExp(part) });
      }
    });
  },
};
