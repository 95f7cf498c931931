import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Machine } from '../../../emulator';
import { assemble } from '../../../emulator/isa';
import { CapturedStreams } from '../../support/captured-streams';
import { writeElf } from '../../support/elf-writer';

const CODE = 0x1_0000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartscope-pool-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A thread's program that does nothing but leave a file behind. */
function entry(mark: string): string {
  const path = `${mark}.mjs`;
  writeFileSync(
    path,
    `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(mark)}, '');\n`,
  );
  return path;
}

/** A machine that counts in a loop of two instructions and never makes a vCPU. */
function counting(mark: string): Machine {
  const { bytes } = assemble(
    `
    loop:
      addi t0, t0, 1
      j loop`,
    { base: CODE },
  );
  return Machine.create({
    elf: writeElf(CODE, [{ address: CODE, bytes, writable: false, executable: true }]),
    args: ['counting'],
    memoryLimit: 16 << 20,
    streams: new CapturedStreams(),
    pool: { entry: entry(mark), threads: 1 },
  });
}

describe('The threads of a pool', () => {
  test('start before there is work for them, once the program has run for some time', async () => {
    const mark = join(folder, 'started');
    const machine = counting(mark);
    try {
      machine.run(1_000_000);
      expect(machine.run(8_000_000)).toEqual({ kind: 'fuel' });
      await vi.waitFor(() => expect(existsSync(mark)).toBe(true), { timeout: 30_000 });
    } finally {
      machine.dispose();
    }
  });

  test('do not start for a program that ends sooner', async () => {
    const mark = join(folder, 'started');
    const early = counting(mark);
    early.run(1_000_000);
    early.dispose();
    // The threads of another machine are there by now: those of the first would be too.
    const other = join(folder, 'other');
    const machine = counting(other);
    try {
      machine.run(8_000_000);
      await vi.waitFor(() => expect(existsSync(other)).toBe(true), { timeout: 30_000 });
      expect(existsSync(mark)).toBe(false);
    } finally {
      machine.dispose();
    }
  });
});
