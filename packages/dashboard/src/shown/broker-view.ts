import type { Broker } from '@brokkr/core';
import type { BrokerInfo } from '../api/types.ts';
import { BulkJobs } from '../actions/bulk-jobs.ts';
import { JobRecords } from '../actions/job-records.ts';
import { Looks } from '../letters/looks.ts';
import { Sampler } from '../sampling/sampler.ts';
import { abilitiesOf } from '../source/abilities.ts';
import type { BrokerSource } from '../source/broker-source.ts';

/** A broker with all that the dashboard keeps of it. */
export class BrokerView {
  readonly source: BrokerSource;
  readonly sampler: Sampler;
  readonly looks: Looks;
  readonly jobs: BulkJobs;

  constructor(source: BrokerSource, { always, now }: { readonly always: boolean; readonly now: () => number }) {
    this.source = source;
    this.sampler = new Sampler({ source, always, now });
    this.looks = new Looks(now);
    const onFailure = (error: unknown) =>
      source.logger.warn({ error }, 'bulk jobs of dashboards cannot be kept or read');
    this.jobs = new BulkJobs(new JobRecords(async () => (await source.open()).states, { now, onFailure }));
  }

  open(): Promise<Broker> {
    return this.source.open();
  }

  async info(): Promise<BrokerInfo> {
    const kind = await this.source.kind();
    return {
      name: this.source.name,
      kind,
      can: abilitiesOf(await this.open(), kind, this.source.schedulers.length > 0),
    };
  }

  /** Whether a queue may exist: a server that lists no queues may have any. */
  async knows(queue: string): Promise<boolean> {
    const { inspector, capabilities } = await this.open();
    return inspector === undefined || capabilities.counts !== 'exact' || this.lists(queue);
  }

  /** Whether a queue is known to the server, or to this dashboard. */
  async lists(queue: string): Promise<boolean> {
    if ((await this.sampler.current()).queues.has(queue)) return true;
    const { inspector } = await this.open();
    return (await inspector?.queues())?.includes(queue) ?? false;
  }

  async close(): Promise<void> {
    await this.jobs.close();
    await this.sampler.close();
  }
}
