// Stands in for Electron's own default app, which the spare build lacks:
// `electron [-r module] path [arguments]` runs the app at `path`.
import { app } from 'electron';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @type {string[]} */
const preloads = [];
/** @type {string | undefined} */
let target;
const words = process.argv.slice(1);
while (words.length > 0 && target === undefined) {
  const word = words.shift() ?? '';
  if (word === '-r' || word === '--require') {
    preloads.push(words.shift() ?? '');
  } else if (word === '-v' || word === '--version') {
    console.log(`v${process.versions.electron}`);
    process.exit(0);
  } else if (!word.startsWith('-')) {
    target = resolve(word);
  }
}
if (target === undefined) {
  console.error('usage: electron [-r module] path-to-app [arguments]');
  process.exit(1);
}

const require = createRequire(join(process.cwd(), 'electron.js'));
for (const module of preloads) require(module);

/** What a stock default app calls, though Electron does not document it. */
const shell =
  /** @type {typeof app & { setVersion(v: string): void, setDesktopName(n: string): void, setAppPath(p: string): void }} */ (
    app
  );
Object.defineProperty(process, 'defaultApp', { enumerable: true, value: true });
const manifest = join(target, 'package.json');
const isFolder = existsSync(manifest);
if (isFolder) {
  const text = readFileSync(manifest, 'utf8');
  const { name, productName, version } =
    /** @type {{ name?: string, productName?: string, version?: string }} */ (JSON.parse(text));
  if (version !== undefined) shell.setVersion(version);
  app.setName(productName ?? name ?? 'Electron');
  if (process.platform === 'linux') shell.setDesktopName(`${app.getName()}.desktop`);
}
shell.setAppPath(isFolder ? target : dirname(target));
const file = require.resolve(target);
// Awaited here, so that Electron's `ready` waits for the app's code as it does in a stock Electron.
await import(pathToFileURL(file).href);
