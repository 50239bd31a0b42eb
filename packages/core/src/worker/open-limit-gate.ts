import type { Broker } from '../broker/broker.ts';
import type { LimitStore } from '../broker/limit-store.ts';
import { PauseFlags } from '../control/pause-flags.ts';
import { RecentPauses } from '../control/recent-pauses.ts';
import { CurrentRules } from '../limits/current-rules.ts';
import type { LimitRegistry } from '../limits/limit-registry.ts';
import { LimitSettings } from '../limits/limit-settings.ts';
import { PermitDesk } from '../limits/permit-desk.ts';
import { type LimitGateOptions, LimitGate } from './limit-gate.ts';

/** The limits of a worker's manager, and the store that counts them. */
export interface WorkerLimits {
  readonly registry: LimitRegistry;
  /** Left out if neither the broker nor a configured store counts permits: messages with limits wait. */
  readonly store: LimitStore | undefined;
  /** Time limit of one call to the store. */
  readonly timeoutMs: number;
}

export interface OpenLimitGateOptions extends Omit<LimitGateOptions, 'rules' | 'desk'> {
  readonly broker: Broker;
  readonly limits: WorkerLimits;
  readonly leaseMs: number;
}

/** Makes the gate of a worker. Nothing is read before `start`. */
export function openLimitGate(options: OpenLimitGateOptions): LimitGate {
  const { broker, limits, leaseMs, clock, logger } = options;
  const isShared = broker.signals?.lossless !== true;
  const rules: CurrentRules = new CurrentRules({
    registry: limits.registry,
    settings: broker.states === undefined ? undefined : new LimitSettings(broker.states),
    mayMissSignals: isShared,
    clock,
    onChange: () => desk.callAll(),
    onError: (error) => logger.warn({ error }, 'the limits that were set at run time could not be read; trying again'),
  });
  const pauses = broker.states === undefined ? undefined : new RecentPauses(new PauseFlags(broker.states), clock);
  const desk: PermitDesk = new PermitDesk({
    store: limits.store,
    messages: broker.messages,
    isShared,
    isPaused: async (queue) => (await pauses?.isPaused(queue)) ?? false,
    ruleOf: (limit) => rules.ruleOf(limit),
    leaseMs,
    timeoutMs: limits.timeoutMs,
    clock,
    logger,
  });
  return new LimitGate({ ...options, rules, desk });
}
