/** The two functions of a test runner that the suite needs: those of vitest, jest, node:test, mocha … */
export interface Runner {
  describe(name: string, body: () => void): unknown;
  /**
   * @param timeoutMs how long the runner is to wait, a little longer than the case bounds itself. vitest and jest take
   * it there; node:test waits for ever and looks at no third argument. Mocha does not look at it either, and gives up
   * after 2 s: hand it on, as in `it: (name, body, ms) => it(name, body).timeout(ms)`
   */
  it(name: string, body: () => Promise<void>, timeoutMs: number): unknown;
}
