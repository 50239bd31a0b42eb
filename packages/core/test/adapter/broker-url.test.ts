import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { BrokerUrl, TLS_OPTIONS } from '../../src/adapter/index.ts';
import { ConfigError } from '../../src/index.ts';

const SECURE = { by: 'tls://', isOn: true };
const FORM = { form: 'nats://user:pass@host:port/stream', options: ['wait', 'quick', ...TLS_OPTIONS] };
const folder = mkdtempSync(join(tmpdir(), 'brokkr-url-'));
const pem = join(folder, 'one.pem');
writeFileSync(pem, 'PEM');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a broker URL, for an adapter', () => {
  it('is parsed', () => {
    const url = new BrokerUrl('NATS://u:p%40ss:w@a:1,[::1]:2,c/s%2F1/t?wait=2s&quick=true', FORM);
    expect(url).toMatchObject({ scheme: 'nats', username: 'u', password: 'p@ss:w', path: 's%2F1/t' });
    expect(url.hosts(9)).toEqual([
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
      { host: 'c', port: 9 },
    ]);
    expect(url.path.split('/').map((part) => url.decode(part))).toEqual(['s/1', 't']);
    expect([url.ms('wait', '5s'), url.flag('quick')]).toEqual([2_000, true]);
  });

  it('uses the defaults of its adapter for missing parts', () => {
    const url = new BrokerUrl('nats://', FORM);
    expect(url).toMatchObject({ username: undefined, password: undefined, path: '' });
    expect(url.hosts(4_222)).toEqual([{ host: 'localhost', port: 4_222 }]);
    expect([url.ms('wait', '5s'), url.flag('quick'), url.tlsFiles(SECURE)]).toEqual([5_000, false, {}]);
  });

  it('reads the files that its TLS options name', () => {
    const url = new BrokerUrl(`nats://h?ca=${pem}&cert=${pem}&key=${pem}`, FORM);
    const file = Buffer.from('PEM');
    expect(url.tlsFiles(SECURE)).toEqual({ ca: file, cert: file, key: file });
  });

  it.each<[string, (url: BrokerUrl) => unknown, RegExp]>([
    [
      'nats://u:s3cret@h?ca=/no/such.pem',
      (url) => url.tlsFiles(SECURE),
      /ca names a file that cannot be read: \/no\/such.pem/,
    ],
    [`nats://u:s3cret@h?cert=${pem}`, (url) => url.tlsFiles(SECURE), /cert and key go together/],
    [
      `nats://u:s3cret@h?ca=${pem}`,
      (url) => url.tlsFiles({ by: 'tls://', isOn: false }),
      /ca, cert, key need tls:\/\//,
    ],
    ['nats://u:s3cret@h?quick=yes', (url) => url.flag('quick'), /quick is true or false, not "yes"/],
    ['nats://u:s3cret@h?wait=0', (url) => url.ms('wait', '1s'), /wait cannot be 0/],
    ['nats://u:s3cret@h:x', (url) => url.hosts(1), /host:port/],
    ['nats://u:s3cret@h/%zz', (url) => url.decode(url.path), /%25/],
    ['nats://u:s3cret@h?color=red', () => undefined, /unknown option "color"; known are wait, quick, ca, cert, key/],
    ['nats:/u:s3cret@h', () => undefined, /write nats:\/\/user:pass/],
  ])('%s is an error that names the problem without a secret', (url, use, problem) => {
    const refused = () => use(new BrokerUrl(url, FORM));
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(problem);
    expect(refused).not.toThrow(/s3cret/);
  });

  it('returns user and password as they were before encoding', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (username, password) => {
        const url = new BrokerUrl(`nats://${encodeURIComponent(username)}:${encodeURIComponent(password)}@h`, FORM);
        expect(url).toMatchObject({ username, password });
      }),
    );
  });
});
