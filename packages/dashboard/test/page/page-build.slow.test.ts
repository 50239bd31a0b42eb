import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const KIB = 1_024;

describe('the built page', () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'brokkr-page-'));
    const configFile = join(import.meta.dirname, '../../page/vite.config.ts');
    // As it is shipped: a build for tests has the paths of its sources in it, and more bytes in longer folders.
    vi.stubEnv('NODE_ENV', 'production');
    await build({ configFile, logLevel: 'silent', build: { outDir: folder } });
    vi.unstubAllEnvs();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const files = () => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const textOf = (entry: { parentPath: string; name: string }) =>
    readFileSync(join(entry.parentPath, entry.name), 'utf8');

  it('is at most 54 KiB, gzipped', () => {
    const sizes = files().map((entry) => gzipSync(textOf(entry)).byteLength);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeGreaterThan(10 * KIB);
    expect(total).toBeLessThanOrEqual(54 * KIB);
  });

  it('loads nothing from elsewhere, and by addresses that work under every prefix', () => {
    const html = textOf(files().find(({ name }) => name === 'index.html') ?? expect.fail('no index.html'));
    const addresses = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address);
    expect(addresses.length).toBeGreaterThan(2);
    for (const address of addresses) expect(address).toMatch(/^\.\//);
    for (const entry of files().filter(({ name }) => /\.(css|js)$/.test(name))) {
      expect(textOf(entry)).not.toMatch(/@import|url\(["']?https?:|import\(["']https?:/);
    }
  });

  it('has no inline script and no inline style', () => {
    const html = textOf(files().find(({ name }) => name === 'index.html') ?? expect.fail('no index.html'));
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/);
    expect(html.match(/<script(?![^>]*\bsrc=)/g)).toBeNull();
  });
});
