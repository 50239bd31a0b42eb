/** Classes that `isA` recognizes by name too. */
const brands = new WeakMap<object, symbol>();

/**
 * Lets `isA` recognize errors of `type` that a second copy of this package created, for example one inside a library.
 */
export function brand(type: abstract new (...args: never[]) => object, name: string): void {
  const symbol = Symbol.for(`brokkr.${name}`);
  brands.set(type, symbol);
  Object.defineProperty(type.prototype, symbol, { value: true });
}

/**
 * `instanceof` for values that a handler threw. A revoked proxy or a hostile prototype is an instance of no class. If
 * the class has a brand, instances of the same class in a second copy of this package match, too.
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
