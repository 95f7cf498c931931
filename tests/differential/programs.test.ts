import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { PROGRAM_CASES, type ProgramCase } from './program-cases';
import {
  isSame,
  programs,
  readable,
  ResultTable,
  runHere,
  runInQemu,
  titleOf,
} from './program-runner';

/*
 * Programs that we have not built ourselves: Debian's static riscv64 busybox, bash and mksh, linked with
 * glibc, musl and klibc. `hartscope run` gives what QEMU gives: every byte of standard output and standard
 * error, and the exit status.
 */

const PLACES: Readonly<Record<ProgramCase['program'], string>> = {
  busybox: 'usr/bin/busybox',
  bash: 'usr/bin/bash-static',
  'mksh-musl': 'usr/lib/riscv64-linux-musl/bin/mksh',
  'mksh-klibc': 'usr/lib/klibc/bin/mksh',
  musl: 'usr/lib/riscv64-linux-musl/libc.so',
};

const { folder, reason } = programs;
if (folder === undefined) console.warn(`programs.test.ts is skipped: ${reason}`);

describe.skipIf(folder === undefined)('a program from Debian does what it does in QEMU', () => {
  const table = new ResultTable();
  afterAll(() => table.print());
  const cases = PROGRAM_CASES.map((item) => [titleOf(item.program, item), item] as const);

  test.each(cases)('%s', async (name, item) => {
    const path = join(folder ?? '', PLACES[item.program]);
    const expected = runInQemu(item, [path]);
    const actual = await runHere(item, [path]);
    const same = isSame(actual, expected);
    const { status, stdout, notes } = actual;
    table.add({ command: name, status, bytes: stdout.length, same, notes });
    expect(readable(actual)).toEqual(readable(expected));
    expect(same).toBe(true);
  });
});
