// Tests the project on several versions of Node, one after the other: the unit tests, then the example application and
// the conformance suite of each real server. The other server tests and the slow ones run only on the Node of `npm test`.
//
//   node test/nodes/test-nodes.mjs [20 | newest | /path/to/node] ...
//
// Without arguments: on every version in package.json. Progress goes to standard error. The last line of standard output
// is `N passed, N failed`: the sum over all versions. Before it, every failed test is named again with its message, because
// CI shows only the end of the output. The exit code is 1 if a test failed or a run did not report.
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

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

/** Most failed tests that are named, and most lines and characters of each message. */
const MOST_NAMED = 50;
const MOST_LINES = 12;
const LONGEST_LINE = 300;

const total = { passed: 0, failed: 0 };
const failures = [];
for (const program of programs) {
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim();
  for (const run of RUNS) {
    const started = performance.now();
    const { passed, failed, failures: found } = await test(program, run);
    total.passed += passed;
    total.failed += failed;
    failures.push(...found.map((failure) => `Node ${version}, ${run.name}: ${failure}`));
    const seconds = Math.round((performance.now() - started) / 1000);
    console.error(`Node ${version}, ${run.name}: ${passed} passed, ${failed} failed in ${seconds} s`);
  }
}
for (const failure of failures.slice(0, MOST_NAMED)) console.log(`${failure}\n`);
if (failures.length > MOST_NAMED) console.log(`… and ${failures.length - MOST_NAMED} more\n`);
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
  const reports = mkdtempSync(join(tmpdir(), 'brokkr-nodes-'));
  const report = join(reports, 'report.json');
  const reporters = ['default', join(root, 'test', 'support', 'summary.ts'), 'json'].map(
    (name) => `--reporter=${name}`,
  );
  const path = `${dirname(program)}${delimiter}${process.env.PATH}`;
  const child = spawn(program, [vitest, 'run', ...reporters, `--outputFile.json=${report}`, ...filters], {
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
  for (const [line] of output.matchAll(/^passed at the second attempt: .*$/gm)) console.log(`${line}\n`);
  const [, passed, failed] = /(?:^|\n)(\d+) passed, (\d+) failed\s*$/.exec(output) ?? [0, 0, 1];
  // A run that ended badly without a failed test is a failure too.
  const counts = { passed: Number(passed), failed: Number(failed) || Number(code !== 0) };
  const failures = counts.failed === 0 ? [] : failuresIn(report);
  rmSync(reports, { recursive: true, force: true });
  if (counts.failed > failures.length) {
    const unnamed = counts.failed - failures.length;
    failures.push(`${unnamed} failures without a test, exit code ${code}; the run ended with\n${lastLines(output)}`);
  }
  return { ...counts, failures };
}

/** The failed tests of a report of vitest, each with its message; none if the run ended before it wrote the report. */
function failuresIn(report) {
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8')).testResults;
  } catch {
    return [];
  }
  return results.flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    const file = relative(root, name);
    // A file that cannot be loaded has a message, and no failed test.
    if (failed.length === 0) return message ? [`${file}\n${shortened(message)}`] : [];
    return failed.map(({ fullName, failureMessages }) => `${file} > ${fullName}\n${shortened(failureMessages[0])}`);
  });
}

function shortened(message = '') {
  return indented(stripVTControlCharacters(message).split('\n').slice(0, MOST_LINES));
}

function lastLines(output) {
  return indented(stripVTControlCharacters(output).trim().split('\n').slice(-MOST_LINES));
}

function indented(lines) {
  return lines.map((line) => `    ${line.slice(0, LONGEST_LINE)}`).join('\n');
}
