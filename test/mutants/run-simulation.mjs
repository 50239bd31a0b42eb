// Runs the simulation of its copy of the build, seed by seed, until one fails.
import { createJiti } from 'jiti';

const SEEDS = 200;
const { simulate } = await createJiti(import.meta.url).import('./test/simulation/simulate.ts');

for (let seed = 1; seed <= SEEDS; seed++) {
  try {
    await simulate(seed);
  } catch (error) {
    console.log(`red: seed ${seed}: ${error?.message?.split('\n')[0]}`);
    process.exit(1);
  }
}
console.log(`green: ${SEEDS} seeds`);
process.exit(0);
