import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/**
 * Paths of PEM files: the authority of a test, and certificates that it signed for servers on this machine and for
 * clients.
 */
export class Certificates {
  readonly ca: string;
  readonly server: KeyPair;
  readonly client: KeyPair;
  readonly #folder: string;

  private constructor(folder: string, ca: string, server: KeyPair, client: KeyPair) {
    this.#folder = folder;
    this.ca = ca;
    this.server = server;
    this.client = client;
  }

  static async create(): Promise<Certificates> {
    const folder = mkdtempSync(join(tmpdir(), 'brokkr-tls-'));
    const write = (name: string, pem: string) => {
      const path = join(folder, name);
      writeFileSync(path, pem);
      return path;
    };
    const authority = await generate([{ name: 'commonName', value: 'Brokkr test authority' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      ],
    });
    const issue = async (name: string): Promise<KeyPair> => {
      const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
        keyType: 'ec',
        algorithm: 'sha256',
        ca: { key: authority.private, cert: authority.cert },
        extensions: [
          { name: 'basicConstraints', cA: false },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          {
            name: 'subjectAltName',
            altNames: [
              { type: 2, value: 'localhost' },
              { type: 7, ip: '127.0.0.1' },
            ],
          },
        ],
      });
      return { cert: write(`${name}.pem`, cert), key: write(`${name}.key`, key) };
    };
    return new Certificates(folder, write('ca.pem', authority.cert), await issue('server'), await issue('client'));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface KeyPair {
  readonly cert: string;
  readonly key: string;
}
