import { describe, expect, it } from 'vitest';
import { assertFaithful } from '../../src/message/faithful-json.ts';

describe('the path to a value that JSON cannot carry', () => {
  it('leads to the value at any depth', () => {
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    const payload = keys.reduceRight<unknown>((inside, key) => ({ [key]: inside }), [1, 2n]);
    expect(() => assertFaithful(payload, 1)).toThrow(
      expect.objectContaining({ path: `args[1].${keys.join('.')}[1]`, code: 'PAYLOAD_UNSERIALIZABLE' }),
    );
  });

  it('of a cycle shows its first steps', () => {
    const node: Record<string, unknown> = {};
    node.next = { of: [node] };
    expect(() => assertFaithful(node, 0)).toThrow(
      expect.objectContaining({
        path: 'args[0].next.of[0].next.of…',
        code: 'PAYLOAD_TOO_DEEP',
        message: expect.stringMatching(/^args\[0\]\.next\.of\[0\]\.next\.of…: JSON cannot carry .* or a cycle; /),
      }),
    );
  });
});
