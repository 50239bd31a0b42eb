// Runs the conformance suite of its copy of the build on the memory broker, until the first case fails.
import { MemoryBroker } from '@brokkr/broker-memory';
import { brokerSuite } from '@brokkr/core/testing';

const cases = [];
const runner = {
  describe: (_, body) => body(),
  it: (name, body) => cases.push({ name, body }),
};
brokerSuite('mutant', { runner, time: 'virtual', open: ({ clock }) => new MemoryBroker({ clock }) });

// A mutant may also fail outside of a case.
process.on('uncaughtException', (error) => red('outside a case', error));
process.on('unhandledRejection', (error) => red('outside a case', error));

for (const { name, body } of cases) {
  try {
    await body();
  } catch (error) {
    red(name, error);
  }
}
console.log(`green: ${cases.length} cases`);
process.exit(0);

function red(name, error) {
  console.log(`red: ${name}: ${error?.message}`);
  process.exit(1);
}
