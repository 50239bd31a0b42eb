import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

/** A request of Node, as frameworks hand it on. */
export type NodeRequest = IncomingMessage & {
  /** Express: the whole path, while `url` is the part below the mount. */
  readonly originalUrl?: string;
  /** The parsed body, if something before the dashboard has read it. */
  readonly body?: unknown;
};

/** Answers a request of Node with a handler of web-standard requests. Never rejects. */
export async function answerNode(
  fetch: (request: Request) => Promise<Response>,
  incoming: NodeRequest,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  try {
    const response = await fetch(requestOf(incoming, gone.signal));
    await send(response, incoming, outgoing, gone.signal);
  } catch {
    // The request could not be read, or the client has left.
    if (outgoing.headersSent) outgoing.destroy();
    else
      outgoing
        .writeHead(400, { 'content-type': 'text/plain', connection: 'close' })
        .end('the request cannot be read\n');
  }
}

function requestOf(incoming: NodeRequest, signal: AbortSignal): Request {
  const { method = 'GET', headers, originalUrl, url = '/' } = incoming;
  const path = originalUrl ?? url;
  // The host is that of the header, or none of ours: only path and query are used.
  const whole = new URL(`http://dashboard.invalid/${path.replace(/^\/+/, '')}`);
  const given = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) given.append(name, each);
  }
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return new Request(whole, {
    method,
    headers: given,
    signal,
    ...(hasBody && { body: bodyOf(incoming), duplex: 'half' }),
  } as RequestInit);
}

/** A parser before the dashboard, such as `express.json()`, has read the body already. */
function bodyOf(incoming: NodeRequest): string | ReadableStream {
  const { body } = incoming;
  if (body !== undefined && incoming.readableEnded) return typeof body === 'string' ? body : JSON.stringify(body);
  return Readable.toWeb(incoming) as ReadableStream;
}

async function send(
  response: Response,
  incoming: NodeRequest,
  outgoing: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  const headers: Record<string, string | string[]> = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  // A body that was not read must not be taken for the next request.
  if (!incoming.complete && incoming.method === 'POST') headers.connection = 'close';
  outgoing.writeHead(response.status, headers);
  if (response.body === null || incoming.method === 'HEAD') {
    await response.body?.cancel();
    outgoing.end();
    return;
  }
  outgoing.flushHeaders();
  const reader = response.body.getReader();
  const onGone = () => void reader.cancel().catch(() => undefined);
  gone.addEventListener('abort', onGone, { once: true });
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    if (gone.aborted) break;
    if (!outgoing.write(read.value)) await drained(outgoing);
  }
  outgoing.end();
}

/** Resolves when more can be written, or the client has left. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done);
      outgoing.off('close', done);
      resolve();
    };
    outgoing.once('drain', done);
    outgoing.once('close', done);
    if (outgoing.destroyed) done();
  });
}
