/**
 * Returns whether a function can only be called with `new`, or creates errors. The source text distinguishes a class
 * from a function with a frozen `prototype`. An old-style constructor of errors is recognized by its prototype.
 */
export function isClass(value: unknown): value is abstract new (...args: never[]) => object {
  if (typeof value !== 'function') return false;
  const { prototype } = value as { prototype?: unknown };
  if (value === Error || prototype instanceof Error) return true;
  return prototype !== undefined && /^class[\s{]/.test(Function.prototype.toString.call(value));
}
