import type { Adapter } from './open-broker.ts';

/** Most names that an error lists. */
const LISTED = 20;

/** An error message for a name that is unknown: with the name that is most like it, or with the known ones. */
export function unknownName({ nearestName }: Adapter, kind: string, name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  if (near !== undefined) return `unknown ${kind} ${name}; did you mean ${near}?`;
  if (known.length === 0) return `unknown ${kind} ${name}; no ${kind} is known`;
  const more = known.length > LISTED ? `, and ${known.length - LISTED} more` : '';
  return `unknown ${kind} ${name}; known are ${known.slice(0, LISTED).join(', ')}${more}`;
}
