import type { BulkRequest, BulkStarted, Done } from '../../../src/api/types.ts';
import { ApiError, post } from '../api/client.ts';
import { broker } from '../api/session.ts';
import { reloadAll } from '../api/use-resource.ts';
import { notify } from '../parts/notices.tsx';
import { link } from '../route/route.ts';
import { plural } from '../text/number.ts';
import { followJob } from './announce-outcomes.ts';

/** Path of a call about the broker that is shown. */
export function brokerPath(...names: readonly string[]): readonly string[] {
  return [broker.value?.name ?? '', ...names];
}

/** Does something now and reports it. Failures are shown too, so the promise never rejects. */
export async function perform(path: readonly string[], body: object, said: (done: Done) => string): Promise<void> {
  try {
    await change(path, body, said);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notify(error.message, { tone: 'failed' });
  }
}

/** Does something and reports it. @throws ApiError, for a dialog that shows it */
export async function change(path: readonly string[], body: object, said: (done: Done) => string): Promise<void> {
  const done = await post<Done>(path, body);
  const missing = done.missing.length;
  const text = missing === 0 ? said(done) : `${said(done)} ${plural(missing, 'message')} had gone or changed.`;
  notify(text, done.done === 0 && missing > 0 ? { tone: 'failed' } : {});
  reloadAll();
}

/** Starts a bulk job; its outcome will be a notice. @throws ApiError, for a dialog that shows it */
export async function startBulk(request: BulkRequest, said: string): Promise<void> {
  const { job } = await post<BulkStarted>(brokerPath('bulk'), request);
  notify(said, { link: { text: 'Watch it', href: link(brokerPath('bulk'), { job }) } });
  followJob(job);
  reloadAll();
}
