/** One deliberate fault: a piece of a built package, and its replacement. */
export interface Mutant {
  readonly name: string;
  readonly of: 'core' | 'broker-memory';
  readonly search: string;
  readonly replace: string;
}
