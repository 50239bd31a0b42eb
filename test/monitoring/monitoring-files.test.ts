import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { promtool } from '../support/promtool.ts';
import { packageSources, root } from '../support/sources.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Names of the metrics that the sources export. */
const exported = new Set(
  packageSources().flatMap(({ text }) => [...text.matchAll(/'(brokkr_[a-z_]+)'/g)].map(([, name = '']) => name)),
);

/** Names in a file, without the suffixes of histograms. */
function namesIn(text: string): readonly string[] {
  const found = [...text.matchAll(/\bbrokkr_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));
  return [...new Set(found)].sort();
}

describe('docs/monitoring', () => {
  it('the alerts are rules that Prometheus accepts, and fire when they should', () => {
    const checked = promtool(['check', 'rules', join(root, 'docs/monitoring/alerts.yml')]);
    expect(checked.output).toContain('SUCCESS: 12 rules found');
    expect(checked.code).toBe(0);
    const tested = promtool(['test', 'rules', join(root, 'test/monitoring/alerts.test.yml')]);
    expect(tested.output).toContain('SUCCESS');
    expect(tested.code).toBe(0);
  });

  it('every query of the Grafana dashboard is one that Prometheus accepts', () => {
    const { panels } = JSON.parse(read('docs/monitoring/grafana.json')) as {
      panels: { title: string; targets: { expr: string }[] }[];
    };
    const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const rules = queries.map((expr, index) => ({
      record: `q:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$queue', '.*'),
    }));
    const folder = mkdtempSync(join(tmpdir(), 'brokkr-grafana-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'queries.yml');
    // YAML includes JSON.
    writeFileSync(path, JSON.stringify({ groups: [{ name: 'g', rules }] }));
    const checked = promtool(['check', 'rules', path]);
    expect(checked.output).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  });

  it.each(['docs/monitoring/alerts.yml', 'docs/monitoring/grafana.json'])(
    '%s names only metrics that exist',
    (path) => {
      const names = namesIn(read(path));
      expect(names.length).toBeGreaterThan(5);
      expect(names.filter((name) => !exported.has(name))).toEqual([]);
    },
  );

  it('the guide lists every metric there is, and no other', () => {
    expect(namesIn(read('docs/monitoring.md'))).toEqual([...exported].sort());
  });
});
