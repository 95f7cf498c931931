import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  isSame,
  programs,
  readable,
  ResultTable,
  runHere,
  runInQemu,
  titleOf,
} from './program-runner';
import type { RootedCase } from './rooted-cases';

/**
 * Dynamic programs from Debian's archive with their libraries in a folder: `hartscope run --root` gives what
 * QEMU gives with -L, every byte of standard output and standard error, and the exit status.
 * @param file the test file's name, for the message when there are no programs
 */
export function compareRooted(file: string, items: readonly RootedCase[]): void {
  const { folder = '', reason } = programs;
  if (reason !== undefined) console.warn(`${file} is skipped: ${reason}`);

  describe.skipIf(reason !== undefined)('a dynamic program does what it does in QEMU', () => {
    const table = new ResultTable();
    afterAll(() => table.print());
    const cases = items.map((item) => [titleOf(item.program, item), item] as const);

    test.each(cases)('%s', async (name, item) => {
      const { program } = item;
      const expected = runInQemu(item, ['-L', folder, '-0', program, join(folder, program)]);
      const actual = await runHere(item, ['--root', folder, program]);
      const same = isSame(actual, expected);
      const { status, stdout, notes } = actual;
      table.add({ command: name, status, bytes: stdout.length, same, notes });
      expect(readable(actual)).toEqual(readable(expected));
      expect(same).toBe(true);
    });
  });
}
