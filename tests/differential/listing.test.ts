import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { GUESTS, guestPath } from '../../cli/catalogue';
import { hartscope } from '../unit/cli/memory-host';

/* `hartscope disasm` lists what GNU objdump lists: the same functions, addresses, encodings and text. */

const OBJDUMP = 'riscv64-linux-gnu-objdump';
const missing = spawnSync(OBJDUMP, ['--version']).error !== undefined;
if (missing) console.warn(`listing.test.ts is skipped: ${OBJDUMP} is not installed`);

/**
 * A listing without what is free: which of several names an address has, the comments with addresses
 * that objdump puts behind some instructions, and the zeros between functions, which it leaves out.
 */
function comparable(listing: string): string[] {
  return listing
    .split('\n')
    .map((line) =>
      line
        .replace(/\s+# [0-9a-f]+ <.*/, '')
        .replace(/<.+>/, '<>')
        .trimEnd(),
    )
    .filter((line) => /^ *[0-9a-f]+:\t|^[0-9a-f]{16} <>:$/.test(line) && !/:\t0000 /.test(line));
}

describe.skipIf(missing)('a listing is objdump’s', () => {
  test.each(GUESTS.map((guest) => [guest.name, guestPath(guest)] as const))(
    '%s',
    async (name, path) => {
      const ours = comparable((await hartscope(['disasm', name])).stdout.toString());
      const { stdout } = spawnSync(OBJDUMP, ['-d', path], { encoding: 'utf8', maxBuffer: 2 ** 28 });
      const theirs = comparable(stdout);
      expect(ours.length).toBeGreaterThan(50);
      // Arrays of 90,000 lines make a report that nobody reads: the first difference is enough.
      const at = ours.findIndex((line, i) => line !== theirs[i]);
      expect({ at, line: ours[at], count: ours.length }).toEqual({
        at: -1,
        line: theirs[at],
        count: theirs.length,
      });
    },
  );
});
