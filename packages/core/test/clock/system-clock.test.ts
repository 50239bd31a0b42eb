import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LONGEST_TIMER_MS } from '../../src/clock/longest-timer.ts';
import { pause } from '../../src/clock/pause.ts';
import { systemClock } from '../../src/clock/system-clock.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a timer of the system clock', () => {
  it.each([
    ['of Node’s longest wait', LONGEST_TIMER_MS],
    ['one millisecond longer than that', LONGEST_TIMER_MS + 1],
    ['of 30 days', 30 * 86_400_000],
    ['of exactly twice the longest wait', 2 * LONGEST_TIMER_MS],
    ['of a year', 365 * 86_400_000],
  ])('%s fires once, at its time', (_, delayMs) => {
    const fired = vi.fn();
    systemClock.setTimeout(fired, delayMs);
    vi.advanceTimersByTime(delayMs - 1);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(LONGEST_TIMER_MS);
    expect(fired).toHaveBeenCalledOnce();
  });

  it('is not early by a fraction of a millisecond', () => {
    const fired = vi.fn();
    systemClock.setTimeout(fired, 1.2);
    vi.advanceTimersByTime(1);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledOnce();
  });

  it.each([60 * 86_400_000, Number.POSITIVE_INFINITY])('of %d ms can be cleared between its parts', (delayMs) => {
    const fired = vi.fn();
    const timer = systemClock.setTimeout(fired, delayMs);
    vi.advanceTimersByTime(LONGEST_TIMER_MS + 1);
    systemClock.clearTimeout(timer);
    vi.advanceTimersByTime(60 * 86_400_000);
    expect(fired).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('a pause of 30 days lasts 30 days, and leaves no timer behind', async () => {
  const { signal } = new AbortController();
  let isOver = false;
  void pause(systemClock, 30 * 86_400_000, signal).then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(30 * 86_400_000 - 1);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isOver).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

it('a timer that is late because the event loop was blocked fires after the sockets were read', async () => {
  vi.useRealTimers();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  const heard: string[] = [];
  client.on('data', () => heard.push('answer'));
  await new Promise<void>((resolve) => {
    systemClock.setTimeout(() => resolve(void heard.push('timeout')), 20);
    socket.write('answer');
    const until = performance.now() + 200;
    while (performance.now() < until);
  });
  client.destroy();
  socket.destroy();
  server.close();
  expect(heard).toEqual(['answer', 'timeout']);
});
