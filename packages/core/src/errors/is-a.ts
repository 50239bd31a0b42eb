/** `instanceof` for what a handler threw: a revoked proxy or a hostile prototype is no instance of anything. */
export function isA<T>(thrown: unknown, type: abstract new (...args: never[]) => T): thrown is T {
  try {
    return thrown instanceof type;
  } catch {
    return false;
  }
}
