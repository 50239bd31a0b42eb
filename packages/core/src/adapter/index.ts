export { type BrokerHost, BrokerUrl, type BrokerUrlForm, TLS_OPTIONS, type TlsFiles } from './broker-url.ts';
export { type Environment, readEnvironment } from '../config/env-file.ts';
export { PartlyStoredError } from '../broker/partly-stored-error.ts';
export { checkOptions, type OptionNames } from '../errors/check-options.ts';
export { shown } from '../errors/kind-of.ts';
