/** Classes that `isA` recognizes by name too. */
const brands = new WeakMap<object, symbol>();

/** Lets `isA` recognize errors of `type` that a second copy of this package made, in a library for instance. */
export function brand(type: abstract new (...args: never[]) => object, name: string): void {
  const symbol = Symbol.for(`brokkr.${name}`);
  brands.set(type, symbol);
  Object.defineProperty(type.prototype, symbol, { value: true });
}

/**
 * `instanceof` for values that a handler threw: a revoked proxy or a hostile prototype is an instance of nothing. A
 * class with a brand also has the instances of its twin in a second copy of this package.
 */
export function isA<T>(thrown: unknown, type: abstract new (...args: never[]) => T): thrown is T {
  try {
    if (thrown instanceof type) return true;
    const symbol = brands.get(type);
    return symbol !== undefined && typeof thrown === 'object' && thrown !== null && symbol in thrown;
  } catch {
    return false;
  }
}
