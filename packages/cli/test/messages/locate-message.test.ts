import { expect, it } from 'vitest';
import type { OpenedBroker } from '../../src/app/open-broker.ts';
import { locateMessage } from '../../src/messages/locate-message.ts';
import { UsageError } from '../../src/exit.ts';

it.each(['', 'x'.repeat(201)])(
  'an id that no message can have is refused by the name of its argument: %j',
  async (id) => {
    const refused = locateMessage({} as OpenedBroker, id, {});
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(`<id>: the id of a message has 1 to 200 characters; got ${id.length}`);
  },
);
