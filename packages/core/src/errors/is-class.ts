/**
 * Whether a function can be called with `new` only, or makes errors. Its source tells it from one whose `prototype`
 * somebody froze; a function of older days that makes errors is known by what it inherits.
 */
export function isClass(value: unknown): value is abstract new (...args: never[]) => object {
  if (typeof value !== 'function') return false;
  const { prototype } = value as { prototype?: unknown };
  if (value === Error || prototype instanceof Error) return true;
  return prototype !== undefined && /^class[\s{]/.test(Function.prototype.toString.call(value));
}
