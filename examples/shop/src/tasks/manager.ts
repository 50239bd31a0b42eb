import { TaskManager } from '@brokkr/core';

export const tm = TaskManager.getInstance();
