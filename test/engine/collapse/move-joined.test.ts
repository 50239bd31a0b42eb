import { MemoryBroker } from '@brokkr/broker-memory';
import { type Envelope, moveJoined, type RecordStore } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import type { CollapseSettings } from '../../../packages/core/src/collapse/collapse-options.ts';
import { StoreJoins } from '../../../packages/core/src/collapse/store-joins.ts';

const NOW = 1_000_000;
const WAIT_MS = 60_000;
const DEBOUNCE = { option: 'debounce', key: 'k', waitMs: WAIT_MS, maxWaitMs: undefined } as const;
const UNIQUE = { option: 'unique', key: 'k', isWaiting: false } as const;
const WAITING = { option: 'unique', key: 'k', isWaiting: true } as const;

/** A broker whose messages a store joins, and another one to which they move. */
function place() {
  const records: RecordStore = new MemoryBroker().records;
  const here: Envelope[] = [];
  const there: { readonly id: string; readonly text: string; readonly dueInMs: number; readonly mark?: string }[] = [];
  const now = () => NOW;
  const joins = new StoreJoins({
    records: async () => records,
    now,
    keyTtlMs: 60_000,
    sendTimeoutMs: 1_000,
    isNotStored: () => false,
  });
  const send = (text: string, settings: CollapseSettings, expiresInMs?: number) => {
    const dueAt = settings.option === 'debounce' ? NOW + WAIT_MS : NOW;
    const times =
      expiresInMs === undefined ? { notBefore: dueAt } : { notBefore: dueAt, expiresAt: dueAt + expiresInMs };
    const envelope = { id: text, queue: 'q', body: Buffer.from(text), headers: { text }, ...times };
    return joins.send(envelope, 'task', settings, async (marked) => {
      here.push(marked);
      return { id: marked.id, isNew: true };
    });
  };
  const store = async (envelopes: readonly Envelope[]) => {
    for (const { id, body, headers, notBefore = NOW } of envelopes) {
      const mark = headers['brokkr-join'];
      const text = Buffer.from(body).toString();
      expect(headers.text, 'body and headers are of one send').toBe(text);
      there.push({ id, text, dueInMs: notBefore - NOW, ...(mark !== undefined && { mark }) });
    }
  };
  const move = (envelopes: readonly Envelope[] = here.splice(0), storing = store) =>
    moveJoined(envelopes, storing, { records: async () => records, now, keyTtlMs: 60_000 });
  return { records, here, there, send, store, move };
}

describe('a move of messages that a store joins', () => {
  it('takes the newest arguments of a debounced message along, which waits for as long as before', async () => {
    const { there, send, move } = place();
    for (const text of ['first', 'second', 'third']) await send(text, DEBOUNCE);
    await move();
    expect(there).toEqual([{ id: 'first', text: 'third', dueInMs: WAIT_MS }]);
  });

  it.each([
    ['debounced', DEBOUNCE],
    ['unique', UNIQUE],
    ['unique while it waits', WAITING],
  ] as const)('frees the key of a message that is %s', async (_what, settings) => {
    const { there, send, move } = place();
    await send('moved', settings);
    await move();
    expect(there).toMatchObject([{ id: 'moved', text: 'moved' }]);
    expect(there[0]).not.toHaveProperty('mark');
    expect(await send('next', settings)).toEqual({ id: 'next', isNew: true });
  });

  it('loses no arguments that are sent while the message is stored elsewhere', async () => {
    const { there, send, store, move } = place();
    await send('first', DEBOUNCE);
    let sends = ['second', 'third'];
    await move(undefined, async (envelopes) => {
      await store(envelopes);
      for (const text of sends) expect(await send(text, DEBOUNCE)).toMatchObject({ id: 'first', isReplacement: true });
      sends = [];
    });
    expect(there.map(({ text, dueInMs }) => [text, dueInMs])).toEqual([
      ['first', WAIT_MS],
      ['third', WAIT_MS],
    ]);
    expect(there[1]?.id).not.toBe('first');
    expect(await send('fourth', DEBOUNCE)).toEqual({ id: 'fourth', isNew: true });
  });

  it('changes no key if the messages could not be stored elsewhere', async () => {
    const { send, move } = place();
    await send('first', DEBOUNCE);
    await send('only', UNIQUE);
    await expect(move(undefined, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await send('second', DEBOUNCE)).toMatchObject({ id: 'first', isReplacement: true });
    expect(await send('another', UNIQUE)).toEqual({ id: 'only', isNew: false });
  });

  it('leaves a message behind whose place another one has taken, and moves one whose record is lost', async () => {
    const { records, here, there, send, move } = place();
    await send('first', DEBOUNCE);
    const copy = { ...(here[0] as Envelope) };
    await move();
    await send('second', DEBOUNCE);
    await move([copy]);
    expect(there.map(({ text }) => text)).toEqual(['first']);
    const key = `join:${copy.headers['brokkr-join']?.split(' ')[1]}`;
    await records.change([{ key, ttlMs: 0 }]);
    await move([copy]);
    expect(there.map(({ text }) => text)).toEqual(['first', 'first']);
  });

  it('moves messages without keys as they are, and asks no store for them', async () => {
    const plain = { id: 'a', queue: 'q', body: Buffer.from('a'), headers: { 'brokkr-join': 'of another program' } };
    const moved: Envelope[] = [];
    const records = () => Promise.reject(new Error('no store'));
    const store = async (envelopes: readonly Envelope[]) => void moved.push(...envelopes);
    await moveJoined([plain], store, { records, now: () => NOW, keyTtlMs: 1_000 });
    expect(moved).toEqual([plain]);
  });
});
