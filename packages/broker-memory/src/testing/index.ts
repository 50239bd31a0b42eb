export { type DeadLetter, type TestApp, testApp } from './test-app.ts';
export type { TestAppOptions } from './test-app-options.ts';
