// Lists everything that has to be filled in or corrected before the packages can be published, and exits with 1 if there
// is anything. `prepublishOnly` of each package runs it, so that `npm publish` refuses until nothing is left.
//
//   node release/check.mjs [folder of the project]
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEPENDENCIES, packagesOf } from './packages.mjs';

const root = resolve(process.argv[2] ?? join(import.meta.dirname, '..'));
const packages = packagesOf(root);
const published = packages.filter(({ isPublished }) => isPublished);
const version = published[0]?.manifest.version;

const problems = [...owner(), ...security(), ...changelog(), ...versions(), ...builds()];
for (const problem of problems) console.log(`- ${problem}`);
console.log(
  problems.length === 0
    ? `release:check: ${published.length} packages are ready to be published as ${version}`
    : `release:check: ${problems.length} left; nothing can be published before`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

/** Only the owner knows the addresses of the project: they are asked for, and never invented. */
function* owner() {
  yield* fieldOfAll(
    'repository',
    ({ folder, manifest }) => isAddress(manifest.repository?.url) && manifest.repository.directory === folder,
    'repository.type=git repository.url=git+https://… repository.directory=packages/NAME',
  );
  yield* fieldOfAll('homepage', ({ manifest }) => isAddress(manifest.homepage), 'homepage=https://…');
  yield* fieldOfAll('bugs', ({ manifest }) => isAddress(manifest.bugs?.url), 'bugs.url=https://…');
  const urls = new Set(published.map(({ manifest }) => manifest.repository?.url));
  if (urls.size > 1) yield `the packages name different repositories: ${[...urls].join(', ')}`;
}

function* fieldOfAll(field, isFilled, setting) {
  const wrong = published.filter((each) => !isFilled(each)).map(({ folder }) => folder);
  if (wrong.length === 0) return;
  yield `${field} is missing or incomplete in ${wrong.join(', ')}; for each: npm pkg set ${setting} -w packages/NAME`;
}

function* security() {
  const path = join(root, 'SECURITY.md');
  const contact = existsSync(path) ? /^Contact: (.+)$/m.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
  if (isAddress(contact) || /^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$/.test(contact ?? '')) return;
  yield 'SECURITY.md: the line "Contact: " has no mail address or https URL to report vulnerabilities to';
}

function* changelog() {
  const path = join(root, 'CHANGELOG.md');
  const heading = existsSync(path) ? /^## (.+)$/m.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
  if (/^(\S+), (\d{4}-\d{2}-\d{2})$/.exec(heading ?? '')?.[1] === version) return;
  yield `CHANGELOG.md: the first section is "${heading}"; write "## ${version}, " and the date of the release, as YYYY-MM-DD`;
}

function* versions() {
  const names = new Set(packages.map(({ manifest }) => manifest.name));
  for (const { folder, manifest } of packages) {
    if (manifest.version !== version) yield `${folder}: version is ${manifest.version}, not ${version}`;
    for (const section of DEPENDENCIES) {
      for (const [name, range] of Object.entries(manifest[section] ?? {})) {
        if (names.has(name) && range !== version) {
          yield `${folder}: ${section} has ${name} ${range}, not ${version}; npm run release:version -- ${version}`;
        }
      }
    }
  }
}

function* builds() {
  for (const { folder, manifest } of published) {
    const files = [manifest.bin ?? {}, manifest.exports ?? {}].flatMap(filesOf);
    const missing = files.filter((file) => !existsSync(join(root, folder, file)));
    if (missing.length > 0) yield `${folder}: ${missing.join(', ')} missing; npm run clean && npm run build`;
  }
}

/** The files that `exports` or `bin` names, at any depth of conditions. */
function filesOf(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap(filesOf);
}

function isAddress(value) {
  if (typeof value !== 'string' || !/^(git\+)?https:\/\//.test(value)) return false;
  const url = value.replace(/^git\+/, '');
  // A template that was pasted in is not an address.
  return (
    URL.canParse(url) && /^[a-z0-9.-]+\.[a-z]+$/.test(new URL(url).hostname) && !/[…<>]|example\.(com|org)/.test(value)
  );
}
