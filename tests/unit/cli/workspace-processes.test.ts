import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { workspaceElf } from '../../support/workspace-guest';

/* The bundle as `npm run build` makes it, with its child processes. Linux only: they are found in /proc. */

const root = fileURLToPath(new URL('../../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'hartscope-cli-workspace-'));
const bundle = join(root, 'out', 'test-cli-workspace');
const program = join(scratch, 'endless');

type Run = ChildProcessByStdio<null, Readable, Readable>;
const runs: Run[] = [];

beforeAll(async () => {
  const configFile = join(root, 'vite.node.config.ts');
  await build({ root, configFile, logLevel: 'error', build: { outDir: bundle } });
  const work = 'li t6, 1\n forever: addi t6, t6, 1\n j forever';
  writeFileSync(program, workspaceElf(work, { vcpus: 2 }));
}, 120_000);
afterEach(() => {
  for (const run of runs.splice(0)) run.kill('SIGKILL');
});
afterAll(() => {
  rmSync(scratch, { recursive: true });
  rmSync(bundle, { recursive: true, force: true });
});

/** The command line with the endless program. */
function start(...options: string[]): { run: Run; stderr: () => string } {
  const words = [join(bundle, 'hartscope.js'), 'run', ...options, program];
  const run = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  runs.push(run);
  let text = '';
  run.stderr.setEncoding('utf8').on('data', (part: string) => (text += part));
  return { run, stderr: () => text };
}

const ended = (run: Run): Promise<number | NodeJS.Signals | null> =>
  new Promise((resolve) => run.once('exit', (code, signal) => resolve(code ?? signal)));

/** Fields of /proc/PID/stat from the third on: state, parent … proc_pid_stat(5). */
function statOf(pid: number | string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

/** Ids of the processes that a process has started, besides itself. */
function childrenOf(parent: number | undefined): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(statOf(name)[1]) === parent)
    .map(Number);
}

/** Those of them that have used a second of processor time: more than starting takes. */
const busyChildren = (parent: number | undefined): number[] =>
  childrenOf(parent).filter((pid) => Number(statOf(pid)[11]) >= 100);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('workspace vCPUs of the command line', () => {
  test('run in child processes; one that is killed fails its vCPU only', async () => {
    const { run, stderr } = start('--processes', '2');
    const exit = ended(run);
    await expect.poll(() => busyChildren(run.pid), { timeout: 30_000 }).toHaveLength(2);
    const [first, second] = busyChildren(run.pid);
    process.kill(first, 'SIGKILL');
    await expect.poll(stderr, { timeout: 20_000 }).toContain(`process ${first} was killed`);
    expect(run.exitCode).toBeNull();
    process.kill(second, 'SIGKILL');
    expect(await exit).toBe(2);
    const lines = stderr().trim().split('\n').sort();
    expect(lines).toHaveLength(2);
    lines.forEach((line, i) => {
      expect(line).toMatch(
        new RegExp(
          `^hartscope: vCPU ${i + 1} of task 1 was killed: its process \\d+ was killed by SIGKILL$`,
        ),
      );
    });
  });

  test('--processes 0 keeps them on threads', async () => {
    const { run } = start('--processes', '0');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(run.exitCode).toBeNull();
    expect(childrenOf(run.pid)).toEqual([]);
  });

  test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'nothing is left when the command line ends by %s',
    async (signal) => {
      const { run } = start();
      await expect.poll(() => childrenOf(run.pid).length, { timeout: 20_000 }).toBeGreaterThan(0);
      const children = childrenOf(run.pid);
      const exit = ended(run);
      run.kill(signal);
      expect(await exit).toBe(signal);
      await expect.poll(() => children.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    },
  );
});
