import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders whose package.json has the common version: published packages first, then the examples, which are private. */
const WORKSPACES = ['packages', 'examples'];

/** Every package of the project at `root`: its folder, whether it is published, and its package.json. */
export function packagesOf(root) {
  return WORKSPACES.flatMap((workspace) =>
    readdirSync(join(root, workspace))
      .sort()
      .map((name) => {
        const folder = `${workspace}/${name}`;
        const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
        return { folder, manifest, isPublished: manifest.private !== true };
      }),
  );
}

/** The sections of a package.json that name other packages. */
export const DEPENDENCIES = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'];
