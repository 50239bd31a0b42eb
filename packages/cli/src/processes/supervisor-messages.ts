/** What a supervisor sends to its worker processes over their IPC channel. */
export const FINISH = 'brokkr: finish the running tasks, then end';
export const END_NOW = 'brokkr: end now';

/** What a worker process sends to its supervisor: the broker refuses its user, so a restart cannot help. */
export const REFUSED = 'brokkr: the broker refuses this worker';
