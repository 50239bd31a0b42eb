import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AckWindow } from '../src/connection/ack-window.ts';
import type { AckFrame } from '../src/connection/acknowledgements.ts';

/**
 * A channel as the server sees it: it closes the channel of a client that acknowledges a tag which is not outstanding.
 */
class ServerModel {
  readonly outstanding = new Set<number>();
  readonly acknowledged = new Set<number>();
  frames = 0;

  readonly ack = ({ tag, multiple }: AckFrame): void => {
    this.frames++;
    if (!this.outstanding.has(tag)) throw new Error(`PRECONDITION_FAILED - unknown delivery tag ${tag}`);
    for (const one of [...this.outstanding]) {
      if (one === tag || (multiple && one < tag)) {
        this.outstanding.delete(one);
        this.acknowledged.add(one);
      }
    }
  };
}

type Step = { readonly deliver: number } | { readonly ack: readonly number[] };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ deliver: fc.integer({ min: 1, max: 10 }) }),
  // Indexes of open tags, so that every order occurs.
  fc.record({ ack: fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 10 }) }),
);

it('every settled tag is acknowledged once, and no other tag', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const server = new ServerModel();
      const window = new AckWindow();
      const done = new Set<number>();
      let last = 0;
      for (const one of steps) {
        if ('deliver' in one) {
          for (let n = 0; n < one.deliver; n++) {
            server.outstanding.add(++last);
            window.arrived(last);
          }
        } else {
          const open = [...server.outstanding];
          const tags = new Set(one.ack.map((place) => open[place % open.length]).filter((tag) => tag !== undefined));
          for (const tag of tags) done.add(tag);
          window.done([...tags]).forEach(server.ack);
        }
        expect(server.acknowledged).toEqual(done);
      }
    }),
    { numRuns: 500 },
  );
});

it('a tag that is given twice is acknowledged once', () => {
  const server = new ServerModel();
  const window = new AckWindow();
  for (const tag of [1, 2]) {
    server.outstanding.add(tag);
    window.arrived(tag);
  }
  window.done([2, 2]).forEach(server.ack);
  window.done([2]).forEach(server.ack);
  window.done([1, 2]).forEach(server.ack);
  expect([...server.acknowledged]).toEqual([2, 1]);
});

it('tags that are settled in order need one frame', () => {
  const server = new ServerModel();
  const window = new AckWindow();
  const tags = Array.from({ length: 100 }, (_, index) => index + 1);
  for (const tag of tags) {
    server.outstanding.add(tag);
    window.arrived(tag);
  }
  window.done(tags).forEach(server.ack);
  expect(server.frames).toBe(1);
});
