// Memory broker end to end against in-process queues that neither serialize, retry, time out nor lease anything.
// Rounds are interleaved, so that a noisy machine is noisy for all. Prints medians and ratios of this run.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { contenders } from './contenders.mjs';
import { median } from './median.mjs';

const ROUNDS = 5;
const COUNT = 100_000;

for (const concurrency of [1, 10, 100]) {
  const rates = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const startedAt = performance.now();
      await run(COUNT, concurrency);
      // The first round warms up.
      if (round > 0) rates[name].push(COUNT / ((performance.now() - startedAt) / 1_000));
    }
  }
  const ours = median(rates.brokkr);
  for (const [name, all] of Object.entries(rates)) {
    const ratio = name === 'brokkr' ? '' : `brokkr / ${name} = ${(ours / median(all)).toFixed(2)}`;
    console.log(
      `concurrency ${String(concurrency).padStart(3)}  ${name.padEnd(8)} ${rate(median(all))}  (${rate(Math.min(...all))} to ${rate(Math.max(...all))})  ${ratio}`,
    );
  }
}

console.log(`concurrency 100  p-queue alone in a process: ${rate(COUNT / alone())}`);

const imports = { pino: [], '@brokkr/core': [] };
for (let round = 0; round < 9; round++) for (const name of Object.keys(imports)) imports[name].push(importMs(name));
const [pino, core] = [median(imports.pino), median(imports['@brokkr/core'])];
console.log(
  `import pino ${pino.toFixed(1)} ms, @brokkr/core ${core.toFixed(1)} ms; aim ${(1.5 * pino + 20).toFixed(1)} ms or less`,
);

const heap = execFileSync(process.execPath, ['--expose-gc', fileURLToPath(new URL('heap.mjs', import.meta.url))], {
  encoding: 'utf8',
});
process.stdout.write(heap);

/** Measures p-queue in a process that uses no AsyncLocalStorage. @returns seconds of the best of ten rounds */
function alone() {
  const contendersUrl = JSON.stringify(new URL('contenders.mjs', import.meta.url));
  const script = `const { contenders } = await import(${contendersUrl});
    let best = Infinity;
    for (let round = 0; round < 10; round++) {
      const t = performance.now();
      await contenders['p-queue'](${COUNT}, 100);
      best = Math.min(best, performance.now() - t);
    }
    console.log(best / 1_000);`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

function importMs(name) {
  const script = `const t = performance.now(); await import(${JSON.stringify(name)}); console.log(performance.now() - t);`;
  const cwd = fileURLToPath(new URL('../packages/core', import.meta.url));
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', cwd }));
}

function rate(perSecond) {
  return `${Math.round(perSecond / 1_000)} k/s`.padStart(8);
}
