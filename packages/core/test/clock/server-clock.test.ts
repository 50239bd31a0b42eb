import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Envelope } from '../../src/broker/envelope.ts';
import { ServerClock } from '../../src/clock/server-clock.ts';

const HOUR_MS = 3_600_000;
afterEach(() => vi.restoreAllMocks());

function expiring(expiresAt: number | undefined): Envelope {
  return { id: 'a', queue: 'q', body: Buffer.of(), headers: {}, expiresAt };
}

/** Local and monotonic time, which a test moves. */
function times() {
  const at = { now: 1_900_000_000_000, monotonic: 5_000 };
  vi.spyOn(Date, 'now').mockImplementation(() => at.now);
  vi.spyOn(performance, 'now').mockImplementation(() => at.monotonic);
  return at;
}

describe('a server clock', () => {
  it('shifts an expiry to the server and back by the difference, in whole seconds', async () => {
    const at = times();
    const clock = new ServerClock(async () => at.now + HOUR_MS + 321);
    await clock.measure();
    const stored = clock.toServer(expiring(at.now));
    expect(stored.expiresAt).toBe(at.now + HOUR_MS);
    expect(clock.toLocal(stored).expiresAt).toBe(at.now);
  });

  it('returns the same object if the clocks agree within the error of the reading, or if nothing expires', async () => {
    const at = times();
    const clock = new ServerClock(async () => at.now + 900, 1_000);
    await clock.measure();
    const envelope = expiring(at.now);
    expect(clock.toServer(envelope)).toBe(envelope);
    const never = expiring(undefined);
    expect(clock.toLocal(never)).toBe(never);
  });

  it('counts half of a slow round trip as error', async () => {
    const at = times();
    const clock = new ServerClock(async () => {
      const serverMs = at.now + 4_000 + 3_000;
      at.now += 8_000;
      at.monotonic += 8_000;
      return serverMs;
    });
    await clock.measure();
    expect(clock.aheadMs).toBe(0);
  });

  it('follows a clock of this host that is set', async () => {
    const at = times();
    const clock = new ServerClock(async () => at.now);
    await clock.measure();
    at.now += HOUR_MS;
    expect(clock.aheadMs).toBe(-HOUR_MS);
  });

  it('is read again after a minute of use', async () => {
    const at = times();
    const read = vi.fn(async () => at.now);
    const clock = new ServerClock(read);
    await clock.measure();
    at.now += 59_000;
    at.monotonic += 59_000;
    expect(clock.aheadMs).toBe(0);
    expect(read).toHaveBeenCalledTimes(1);
    at.now += 2_000;
    at.monotonic += 2_000;
    expect([clock.aheadMs, clock.aheadMs]).toEqual([0, 0]);
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('is read once for calls at the same time, and only if a message expires', async () => {
    const at = times();
    const read = vi.fn(async () => at.now);
    const clock = new ServerClock(read);
    await clock.allToServer([expiring(undefined)]);
    expect(read).not.toHaveBeenCalled();
    await Promise.all([clock.allToServer([expiring(1)]), clock.allToServer([expiring(2)]), clock.knownSoon()]);
    expect(read).toHaveBeenCalledTimes(1);
  });

  it('is read by the first call of a connection while another call waits for that connection', async () => {
    const at = times();
    let connected: () => void = () => undefined;
    const connecting = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const clock = new ServerClock(() => connecting.then(() => at.now));
    const sending = clock.allToServer([expiring(at.now)]);
    await clock.measure(async () => at.now + HOUR_MS);
    connected();
    await sending;
    expect(clock.isKnown).toBe(true);
  });

  it('rejects a send if it cannot be read, and lets calls that can do without it pass by the clock of the host', async () => {
    const at = times();
    const failure = new Error('away');
    const clock = new ServerClock(() => Promise.reject(failure));
    await expect(clock.allToServer([expiring(at.now)])).rejects.toBe(failure);
    await clock.knownSoon();
    expect(clock.toLocal(expiring(at.now)).expiresAt).toBe(at.now);
  });
});
