// Runs a command that opens Electron windows: in a virtual display where there is none,
// and without Chromium's sandbox only where that cannot work.
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { root } from './setup/places.mjs';

const command = process.argv.slice(2);
/** @type {NodeJS.ProcessEnv} */
const env = {
  ...process.env,
  PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`,
};
if (process.platform === 'linux') {
  if (process.getuid?.() === 0) {
    // Chromium refuses to start as root with its sandbox on.
    env.NO_SANDBOX = '1';
  } else if (spawnSync('unshare', ['--user', 'true']).status !== 0) {
    console.error('run: no user namespaces here, so Electron runs without its sandbox');
    env.NO_SANDBOX = '1';
  }
  if (!env.DISPLAY && !env.WAYLAND_DISPLAY) {
    console.error(
      'run: no DISPLAY nor WAYLAND_DISPLAY is set, so windows open in a virtual display',
    );
    command.unshift('xvfb-run', '--auto-servernum', '--server-args=-screen 0 1600x1000x24');
  }
}
const [program = '', ...words] = command;
const isWindows = process.platform === 'win32';
// A process group of its own, since xvfb-run passes no signal on to what it runs.
const child = spawn(program, words, {
  stdio: 'inherit',
  env,
  shell: isWindows,
  detached: !isWindows,
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    if (isWindows || child.pid === undefined) child.kill(signal);
    else process.kill(-child.pid, signal);
  });
}
child.on('error', (error) => {
  console.error(`run: ${program} cannot start: ${error.message}`);
  process.exit(127);
});
child.on('exit', (code, signal) => {
  process.exit(code ?? (signal ? 128 + constants.signals[signal] : 1));
});
