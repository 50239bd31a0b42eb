/** The two functions of a test runner that the suite uses, such as those of vitest, jest or node:test. */
export interface Runner {
  describe(name: string, body: () => void): unknown;
  /**
   * @param timeoutMs how long the runner should wait, a little longer than the case itself does. vitest and jest take
   * it as their third argument. node:test ignores it, and waits forever. Mocha ignores it, and stops waiting after 2 s:
   * pass it on, as in `it: (name, body, ms) => it(name, body).timeout(ms)`
   */
  it(name: string, body: () => Promise<void>, timeoutMs: number): unknown;
}
