// Makes a fresh clone ready to run: packages, an Electron to run in, and on Linux the libraries that it needs.
// Uses nothing but Node's own modules, since it runs before anything is installed.
//   --test         also installs the tools that the differential tests compare with (where it may)
//   --no-electron  packages only
import { fetchElectron } from './setup/electron.mjs';
import { installLibraries } from './setup/libraries.mjs';
import { checkNode, installPackages } from './setup/packages.mjs';
import { Problem, complain, say } from './setup/say.mjs';
import { installTestTools } from './setup/test-tools.mjs';

const options = process.argv.slice(2);
const start = Date.now();
try {
  checkNode();
  await installPackages();
  if (!options.includes('--no-electron')) {
    const dist = await fetchElectron();
    if (process.platform === 'linux') await installLibraries(dist);
  }
  if (options.includes('--test') && process.platform === 'linux') await installTestTools();
  if (Date.now() - start > 2000) say(`ready (${Math.round((Date.now() - start) / 1000)} s)`);
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  complain(error.message);
  process.exitCode = 1;
}
