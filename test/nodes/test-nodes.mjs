// Tests the project on several versions of Node, one after the other: the unit tests, then the example application and
// the conformance suite of each real server. The other server tests and the slow ones run only on the Node of `npm test`.
//
//   node test/nodes/test-nodes.mjs [20 | newest | /path/to/node] ...
//
// Without arguments: on every version in package.json. Progress goes to standard error. Standard output is one line,
// `N passed, N failed`: the sum over all versions. The exit code is 1 if a test failed or a run did not report.
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';

const folder = import.meta.dirname;
const root = join(folder, '..', '..');

const RUNS = [
  { name: 'unit tests', env: { BROKKR_TESTS: 'unit' }, filters: [] },
  {
    name: 'servers',
    env: { BROKKR_TESTS: '' },
    filters: [
      'packages/broker-redis/test/conformance.server.test.ts',
      'packages/broker-amqp/test/conformance.server.test.ts',
      'examples/shop/test/main-on-',
    ],
  },
];

const { optionalDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const here = `${process.platform}-${process.arch}`;
const versions = [...new Set(Object.keys(optionalDependencies).map((name) => name.split('-')[1]))];

const asked = process.argv.length > 2 ? process.argv.slice(2) : versions;
const programs = asked.map((version) => programOf(version === 'newest' ? versions.at(-1) : version));
if (programs.some((program) => program.startsWith(folder))) {
  execFileSync('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--silent'], { cwd: folder });
}
for (const program of programs) check(program);

const total = { passed: 0, failed: 0 };
for (const program of programs) {
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim();
  for (const run of RUNS) {
    const started = performance.now();
    const { passed, failed } = await test(program, run);
    total.passed += passed;
    total.failed += failed;
    const seconds = Math.round((performance.now() - started) / 1000);
    console.error(`Node ${version}, ${run.name}: ${passed} passed, ${failed} failed in ${seconds} s`);
  }
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

function programOf(version) {
  if (isAbsolute(version)) return version;
  const name = `node-${version}-${here}`;
  if (name in optionalDependencies) return join(folder, 'node_modules', name, 'bin', 'node');
  const known = versions.filter((each) => `node-${each}-${here}` in optionalDependencies);
  const advice = known.length > 0 ? `give one of ${known.join(', ')}, or` : `this project has none for ${here};`;
  return refuse(`no package of Node ${version}: ${advice} give the absolute path of a node program`);
}

function check(program) {
  try {
    accessSync(program, constants.X_OK);
  } catch (error) {
    refuse(`${program} cannot be run: ${error.code}`);
  }
}

function refuse(problem) {
  console.error(`test:nodes: ${problem}`);
  process.exit(2);
}

/** Runs the tests on `program`, which is also the `node` that these tests find on their path. */
async function test(program, { env, filters }) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const path = `${dirname(program)}${delimiter}${process.env.PATH}`;
  const child = spawn(program, [vitest, 'run', ...filters], {
    cwd: root,
    env: { ...process.env, BROKKR_TESTED_BEFORE: '', ...env, PATH: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    process.stderr.write(text);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  const [, passed, failed] = /(?:^|\n)(\d+) passed, (\d+) failed\s*$/.exec(output) ?? [0, 0, 1];
  // A run that ended badly without a failed test is a failure too.
  return { passed: Number(passed), failed: Number(failed) || Number(code !== 0) };
}
