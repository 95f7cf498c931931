// Running other programs.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { say } from './say.mjs';

/**
 * Runs a program to its end. What it prints to stdout is returned when `capture` is set, else shown.
 * While it runs, a line every ten seconds says that it still does.
 * @param {string} program
 * @param {string[]} words
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, capture?: boolean, doing?: string, timeout?: number }} [options]
 * @returns {Promise<{ status: number, stdout: string }>}
 */
export function run(program, words, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, words, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', options.capture ? 'pipe' : 'inherit', 'inherit'],
      shell: process.platform === 'win32',
      timeout: options.timeout,
    });
    let stdout = '';
    child.stdout?.setEncoding('utf8').on('data', (/** @type {string} */ text) => (stdout += text));
    const start = Date.now();
    const clock = setInterval(() => {
      if (options.doing)
        say(`still ${options.doing} (${Math.round((Date.now() - start) / 1000)} s)`);
    }, 10_000);
    child.on('error', () => {
      clearInterval(clock);
      resolve({ status: 127, stdout });
    });
    child.on('close', (code) => {
      clearInterval(clock);
      resolve({ status: code ?? 1, stdout });
    });
  });
}

/**
 * What a quick program prints, or an empty string where it cannot run.
 * @param {string} program
 * @param {string[]} words
 */
export function outputOf(program, words) {
  return spawnSync(program, words, { encoding: 'utf8' }).stdout ?? '';
}

/** @param {string} name */
export function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => folder !== '' && existsSync(join(folder, name)));
}
