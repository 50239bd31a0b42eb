import type { ManagerOptions } from '@brokkr/core';

/** A command whose output is its answer runs no task, and logs nothing between. Errors are its own to tell. */
export const quietSettings = { runMode: 'producer', logLevel: 'silent' } as const satisfies ManagerOptions;
