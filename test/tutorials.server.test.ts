import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pages } from './support/markdown.ts';
import { RedisServer } from './support/redis-server.ts';
import { follow, isTutorial } from './support/tutorial.ts';

const tutorials = pages().filter(isTutorial);

describe('a reader who types the commands of a page sees the output that it prints', () => {
  it('the README and the tutorial are among the pages', () => {
    expect(tutorials).toEqual(expect.arrayContaining(['README.md', 'docs/getting-started.md']));
  });

  describe.each(tutorials)('%s', (page) => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await RedisServer.start();
    });
    afterAll(() => server.stop());

    it('runs from its first line to its last', () => follow(page, server.port), 180_000);
  });
});
