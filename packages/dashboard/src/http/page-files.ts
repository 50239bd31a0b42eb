import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { SECURITY_HEADERS } from './security-headers.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json; charset=utf-8',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
/** Files of the build whose names have a hash of their content. */
const HASHED = /-[\w-]{8,}\.\w+$/;
const INDEX = 'index.html';

interface PageFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
  readonly isHashed: boolean;
}

/** The files of the page, which were built with the package. They are read once. */
export class PageFiles {
  readonly #folder: string;
  #files: ReadonlyMap<string, PageFile> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Answers the request for a file, wherever the dashboard is mounted: only the end of the path counts. A path without
   * a slash at its end gets one, because the page names its files relative to it.
   */
  answer(request: Request, pathname: string): Response {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return new Response('method not allowed\n', {
        status: 405,
        headers: { ...SECURITY_HEADERS, allow: 'GET, HEAD' },
      });
    }
    const files = this.#load();
    const path = pathname.slice(1);
    const name = [...files.keys()].find((each) => path === each || path.endsWith(`/${each}`));
    if (name !== undefined) return serve(files.get(name) as PageFile, request);
    const last = path.slice(path.lastIndexOf('/') + 1);
    if (last.includes('.')) return notFound();
    if (last !== '')
      return new Response(null, {
        status: 308,
        headers: { ...SECURITY_HEADERS, location: `${encodeURI(decodeOnce(last))}/` },
      });
    const index = files.get(INDEX);
    return index === undefined ? notBuilt() : serve(index, request);
  }

  #load(): ReadonlyMap<string, PageFile> {
    this.#files ??= new Map(filesBelow(this.#folder).map((path) => [nameOf(this.#folder, path), readFile(path)]));
    return this.#files;
  }
}

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : extname(path) in TYPES ? [path] : [];
  });
}

function nameOf(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}

function readFile(path: string): PageFile {
  const body = readFileSync(path);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return { body, type: TYPES[extname(path)] as string, etag, isHashed: HASHED.test(path) };
}

function serve({ body, type, etag, isHashed }: PageFile, request: Request): Response {
  const headers = {
    ...SECURITY_HEADERS,
    etag,
    'cache-control': isHashed ? 'private, max-age=31536000, immutable' : 'no-cache',
  };
  const known = (request.headers.get('if-none-match') ?? '').split(',').map((each) => each.trim().replace(/^W\//, ''));
  if (known.includes(etag)) return new Response(null, { status: 304, headers });
  const sent = request.method === 'HEAD' ? null : new Uint8Array(body);
  return new Response(sent, {
    headers: { ...headers, 'content-type': type, 'content-length': String(body.byteLength) },
  });
}

function decodeOnce(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

function notFound(): Response {
  return new Response('not found\n', { status: 404, headers: { ...SECURITY_HEADERS, 'content-type': 'text/plain' } });
}

function notBuilt(): Response {
  const text = 'the page of the dashboard is not built: run npm run build; its API is at api/v1/\n';
  return new Response(text, { status: 503, headers: { ...SECURITY_HEADERS, 'content-type': 'text/plain' } });
}
