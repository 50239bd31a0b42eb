export { checkOptions, type OptionNames } from '../errors/check-options.ts';
export { checkConcurrency } from '../worker/worker-options.ts';
export { brokerSuite } from './broker-suite.ts';
export { gatheringIn } from './gathering-in.ts';
export { ManualClock } from './manual-clock.ts';
export type { Runner } from './runner.ts';
export type { BrokerSuiteOptions, OpenOptions } from './suite/options.ts';
