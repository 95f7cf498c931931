import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FORKING_SCRIPTS, PROGRAM_SCRIPTS } from './process-cases';
import {
  isSame,
  programs,
  readable,
  ResultTable,
  runHere,
  runInQemu,
  titleOf,
} from './program-runner';
import type { CommandResult } from '../unit/cli/memory-host';

/*
 * Several processes at a time. What the shell does alone is compared with QEMU; what runs other programs with the
 * host's own bash and coreutils, because QEMU's processes cannot run RISC-V programs here.
 */

const { folder = '', reason } = programs;
if (reason !== undefined) console.warn(`processes.test.ts is skipped: ${reason}`);

const ENVIRONMENT = { LC_ALL: 'C', HOME: '/tmp', PATH: '/usr/bin:/bin' };

const shell = (script: string): { args: string[]; input: string; env: Record<string, string> } => ({
  args: ['-c', script],
  input: '',
  env: ENVIRONMENT,
});

/** The host's bash in an empty folder. */
function runOnHost(script: string): CommandResult {
  const cwd = mkdtempSync(join(tmpdir(), 'hartscope-host-'));
  try {
    const result = spawnSync('/bin/bash', ['-c', script], {
      argv0: 'bash',
      cwd,
      env: ENVIRONMENT,
      input: '',
    });
    const { status, signal, stdout, stderr } = result;
    return { status: status ?? 128 + constants.signals[signal ?? 'SIGKILL'], stdout, stderr };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

describe.skipIf(reason !== undefined)('several processes', () => {
  const table = new ResultTable();
  afterAll(() => table.print());

  async function compare(
    name: string,
    words: readonly string[],
    script: string,
    expected: CommandResult,
  ): Promise<void> {
    const actual = await runHere(shell(script), words);
    const same = isSame(actual, expected);
    const { status, stdout, notes } = actual;
    table.add({ command: name, status, bytes: stdout.length, same, notes });
    expect(readable(actual)).toEqual(readable(expected));
    expect(notes).toEqual([]);
  }

  const bash = 'bash-static';
  const titled = (scripts: readonly string[]): (readonly [string, string])[] =>
    scripts.map((script) => [titleOf('bash', { args: ['-c', script] }), script]);

  test.each(titled(FORKING_SCRIPTS))('as in QEMU: %s', async (name, script) => {
    const program = join(folder, 'usr/bin', bash);
    const words = ['-L', folder, '-0', '/usr/bin/bash-static', program];
    const expected = runInQemu(shell(script), words);
    await compare(name, ['--root', folder, '/usr/bin/bash-static'], script, expected);
  });

  // A bare host has no make to compare with.
  const missing = ['make'].filter((tool) => runOnHost(`command -v ${tool}`).status !== 0);
  const comparable = PROGRAM_SCRIPTS.filter(
    (script) => !missing.some((tool) => new RegExp(`\\b${tool} -`).test(script)),
  );
  if (comparable.length < PROGRAM_SCRIPTS.length) {
    const left = PROGRAM_SCRIPTS.length - comparable.length;
    console.warn(`skipped: ${left} scripts, the host has no ${missing.join(', ')}`);
  }

  test.each(titled(comparable))('as on the host: %s', async (name, script) => {
    const words = ['--root', folder, '/usr/bin/bash-static', '-c', 'cd /tmp; exec bash "$@"', 'x'];
    await compare(name, words, script, runOnHost(script));
  });
});
