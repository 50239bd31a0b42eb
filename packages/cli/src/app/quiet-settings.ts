import type { ManagerOptions } from '@brokkr/core';

/** Settings of a command that prints an answer: it runs no task, and no log line mixes with its output. */
export const quietSettings = { runMode: 'producer', logLevel: 'silent' } as const satisfies ManagerOptions;
