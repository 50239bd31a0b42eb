/** The two functions of a test runner that the suite needs: those of vitest, node:test, mocha, jest … */
export interface Runner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}
