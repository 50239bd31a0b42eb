import { EXIT } from '../exit.ts';
import { StopRequests } from './stop-requests.ts';

/** Runs a command that a signal ends after the step in progress. A second signal, at least 1 s later, ends the process. */
export async function runUntilStopped<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const requests = new StopRequests(() => stop.abort());
  requests.listen((request) => {
    if (request === 'now') process.exit(EXIT.failed);
    stop.abort();
  });
  try {
    return await run(stop.signal);
  } finally {
    requests.close();
  }
}
