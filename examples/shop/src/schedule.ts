import { SchedulerManager } from '@brokkr/scheduler';
import { cleanUp, countStock } from './tasks/housekeeping.ts';

export const scheduler = SchedulerManager.getInstance();

scheduler.addJob({ id: 'nightly_clean_up', func: cleanUp.send, trigger: 'cron', hour: 2, timezone: 'Europe/Vienna' });
scheduler.addJob({ id: 'count_stock', func: countStock.send, trigger: 'interval', seconds: 2 });
