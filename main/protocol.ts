/** Serves the window's files over `app://hartscope/`, with the headers that isolate the page. */
import { protocol } from 'electron';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { PAGES } from './paths';

export const APP_ORIGIN = 'app://hartscope';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.wasm': 'application/wasm',
};

/** Inline styles are allowed because dock layout and virtual lists place their elements with them. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** Must run before the app is ready. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    {
      scheme: 'app',
      privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
    },
  ]);
}

/** Must run after the app is ready and before a window loads. */
export function serveApp(): void {
  protocol.handle('app', async (request) => {
    const url = new URL(request.url);
    const file = resolvePage(url);
    if (file === null) return new Response('Not found', { status: 404, headers: HEADERS });
    try {
      const body = await readFile(file);
      const type = TYPES[extname(file)] ?? 'application/octet-stream';
      return new Response(body, { headers: { ...HEADERS, 'content-type': type } });
    } catch {
      return new Response(`Not found: ${url.pathname}`, { status: 404, headers: HEADERS });
    }
  });
}

/** The file that a URL names, or null where it names none inside the window's own files. */
function resolvePage(url: URL): string | null {
  if (url.origin !== APP_ORIGIN && `${url.protocol}//${url.host}` !== APP_ORIGIN) return null;
  let path: string;
  try {
    path = decodeURIComponent(url.pathname);
  } catch {
    return null;
  }
  const file = normalize(join(PAGES, path === '/' ? 'index.html' : path));
  return file.startsWith(PAGES + sep) ? file : null;
}
