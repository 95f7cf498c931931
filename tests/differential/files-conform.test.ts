import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QEMU, qemuMissing } from '../support/driver';
import { hartscope } from '../unit/cli/memory-host';

/*
 * A program of some 250 system calls on files prints results and errors: the same on files in memory, on a
 * granted folder, and in QEMU on the host's Linux.
 */

const COMPILER = 'riscv64-linux-gnu-gcc';
const SOURCE = fileURLToPath(new URL('files-conform.c', import.meta.url));

function missing(): string | undefined {
  const noCompiler = spawnSync(COMPILER, ['--version']).error !== undefined;
  return noCompiler ? `${COMPILER} is not installed` : qemuMissing();
}

const reason = missing();
if (reason !== undefined) console.warn(`files-conform.test.ts is skipped: ${reason}`);

describe.skipIf(reason !== undefined)('system calls on files answer what they do in QEMU', () => {
  let folder = '';
  let program = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hartscope-files-'));
    program = join(folder, 'files-conform.elf');
    execFileSync(COMPILER, ['-O1', '-std=gnu11', '-w', '-static', SOURCE, '-o', program]);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const inQemu = (...args: string[]): string => {
    const output = execFileSync(QEMU, [program, folder, ...args], { encoding: 'utf8' });
    expect(output).toMatch(/\n2\d\d checks\n$/);
    return output;
  };

  test('in memory', async () => {
    const expected = inQemu();
    const { status, stdout } = await hartscope(['run', '--quiet', program, '/tmp']);
    expect({ status, output: stdout.toString() }).toEqual({ status: 0, output: expected });
  });

  test('in a granted folder', async () => {
    const expected = inQemu('plain');
    const granted = mkdtempSync(join(folder, 'granted-'));
    const words = ['run', '--quiet', '--dir', `${granted}:/work`, program, '/work', 'plain'];
    const { status, stdout } = await hartscope(words);
    expect({ status, output: stdout.toString() }).toEqual({ status: 0, output: expected });
    expect(readdirSync(granted)).toHaveLength(1);
  });
});
