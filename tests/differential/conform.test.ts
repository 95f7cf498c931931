import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Machine } from '../../emulator/machine';
import { CapturedStreams } from '../support/captured-streams';
import { QEMU, qemuMissing } from '../support/driver';

const COMPILER = 'riscv64-linux-gnu-gcc';
const SOURCE = fileURLToPath(new URL('conform.c', import.meta.url));

function missing(): string | undefined {
  const noCompiler = spawnSync(COMPILER, ['--version']).error !== undefined;
  return noCompiler ? `${COMPILER} is not installed` : qemuMissing();
}

const reason = missing();
if (reason !== undefined) console.warn(`conform.test.ts is skipped: ${reason}`);

/** Ways to compile it: what the compiler makes of the same source differs a lot. */
const WAYS: readonly (readonly string[])[] = [
  ['-O2', '-march=rv64gc'],
  ['-O0', '-march=rv64gc'],
  ['-O3', '-march=rv64imafd_zicsr_zifencei'],
  ['-O2', '-march=rv64gc_zba_zbb_zbs'],
];

describe.skipIf(reason !== undefined)(
  'the conformance program prints what it prints in QEMU',
  () => {
    let folder = '';
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'hartscope-conform-'));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it.each(WAYS)('compiled with %s %s', (...flags) => {
      const file = join(folder, 'conform.elf');
      execFileSync(COMPILER, [
        ...flags,
        '-std=gnu11',
        '-static',
        SOURCE,
        '-o',
        file,
        '-lm',
        '-latomic',
      ]);
      const cpu = 'rv64,zba=true,zbb=true,zbs=true';
      const expected = execFileSync(QEMU, ['-cpu', cpu, file], {
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
      });
      expect(expected.split('\n').length).toBeGreaterThan(20_000);

      const streams = new CapturedStreams();
      const machine = Machine.create({ elf: readFileSync(file), streams, args: ['conform'] });
      try {
        expect(machine.runToEnd(2e9)).toEqual({ kind: 'exited', status: 0 });
        const lines = streams.text().split('\n');
        const differing = expected.split('\n').findIndex((line, i) => line !== lines[i]);
        expect(lines[differing], `line ${differing + 1}`).toBe(expected.split('\n')[differing]);
        expect(lines.length).toBe(expected.split('\n').length);
        console.log(`${lines.length} lines, ${machine.instructions} instructions`);
      } finally {
        machine.dispose();
      }
    });
  },
);
