// Sets the version of all packages and examples, also where they name each other.
//
//   npm run release:version -- 0.2.0
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEPENDENCIES, packagesOf } from './packages.mjs';

const [version, folder = join(import.meta.dirname, '..')] = process.argv.slice(2);
if (!/^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/i.test(version ?? '')) {
  console.error(`release:version: give the new version, such as 0.2.0; got ${version ?? 'nothing'}`);
  process.exit(2);
}
const root = resolve(folder);
const packages = packagesOf(root);
const names = new Set(packages.map(({ manifest }) => manifest.name));
for (const { folder, manifest } of packages) {
  manifest.version = version;
  for (const section of DEPENDENCIES) {
    for (const name of Object.keys(manifest[section] ?? {})) if (names.has(name)) manifest[section][name] = version;
  }
  const path = join(root, folder, 'package.json');
  const end = readFileSync(path, 'utf8').endsWith('\n') ? '\n' : '';
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}${end}`);
}
// A bundled application has no package.json of ours: the core knows its version from a constant.
const constant = join(root, 'packages/core/src/worker/version.ts');
if (existsSync(constant)) {
  writeFileSync(constant, readFileSync(constant, 'utf8').replace(/VERSION = '[^']*'/, `VERSION = '${version}'`));
}
console.log(`${packages.length} packages are ${version} now; npm install puts it into the lock`);
