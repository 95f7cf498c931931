import { afterEach, describe, expect, test } from 'vitest';
import { ERRNO } from '../../../emulator/linux/abi/errno';
import { Calls } from './calls';
import { DATA, endProcesses, TestProcess } from './process';

afterEach(endProcesses);

const PAGE = 4096;
const R = 1;
const RW = 3;
const PRIVATE = 2;
const ANONYMOUS = 0x22;
const FIXED = 0x10;
const NOREPLACE = 0x10_0000;
const MAYMOVE = 1;
const MREMAP_FIXED = 2;
const DONTNEED = 4;

function map(process: TestProcess, address: number, length: number, flags = ANONYMOUS): number {
  return process.call('mmap', address, length, RW, flags, -1, 0);
}

describe('the break', () => {
  test('begins behind the program, grows and shrinks', () => {
    const process = new TestProcess().start();
    const start = process.call('brk', 0);
    expect(start).toBe(0x1_2000);
    expect(process.call('brk', start + 5000)).toBe(start + 5000);
    expect(process.space.isWritable(start, 2 * PAGE)).toBe(true);
    expect(process.call('brk', start + 100)).toBe(start + 100);
    expect(process.space.isReadable(start + PAGE, 1)).toBe(false);
    expect(process.call('brk', start - 1)).toBe(start + 100);
    expect(process.call('brk', 2n ** 40n)).toBe(start + 100);
  });

  test('does not grow over a mapping', () => {
    const process = new TestProcess().start();
    const start = process.call('brk', 0);
    expect(process.call('brk', DATA + PAGE)).toBe(start);
  });

  test('shows zeros when it grows again', () => {
    const process = new TestProcess().start();
    const start = process.call('brk', 0);
    process.call('brk', start + PAGE);
    process.space.write(start, Uint8Array.of(1));
    process.call('brk', start);
    process.call('brk', start + PAGE);
    expect(process.space.readU8(start)).toBe(0);
  });
});

describe('mmap', () => {
  test('places mappings from the top down, below the stack', () => {
    const process = new TestProcess().start();
    const first = map(process, 0, PAGE);
    const second = map(process, 0, 3 * PAGE);
    expect(second).toBe(first - 3 * PAGE);
    expect(first).toBeLessThan(process.sp);
    expect(process.space.isWritable(second, 3 * PAGE)).toBe(true);
  });

  test('takes a free hint and leaves an occupied one', () => {
    const process = new TestProcess().start();
    expect(map(process, 0x5000_0000, PAGE)).toBe(0x5000_0000);
    expect(map(process, 0x5000_0000, PAGE)).not.toBe(0x5000_0000);
    expect(map(process, 0x6000_0001, PAGE)).toBe(0x6000_1000);
  });

  test('replaces with MAP_FIXED, not with MAP_FIXED_NOREPLACE', () => {
    const process = new TestProcess();
    process.space.write(DATA, Uint8Array.of(9));
    expect(map(process, DATA, PAGE, ANONYMOUS | NOREPLACE)).toBe(-ERRNO.EEXIST);
    expect(process.space.readU8(DATA)).toBe(9);
    expect(map(process, DATA, PAGE, ANONYMOUS | FIXED)).toBe(DATA);
    expect(process.space.readU8(DATA)).toBe(0);
    expect(map(process, 0x5000_0000, PAGE, ANONYMOUS | NOREPLACE)).toBe(0x5000_0000);
  });

  test('maps PROT_NONE and what cannot be written as asked', () => {
    const process = new TestProcess().start();
    const none = process.call('mmap', 0, PAGE, 0, ANONYMOUS, -1, 0);
    expect(process.space.isReadable(none, 1)).toBe(false);
    const readable = process.call('mmap', 0, PAGE, R, ANONYMOUS, -1, 0);
    expect(process.space.isReadable(readable, 1)).toBe(true);
    expect(process.space.isWritable(readable, 1)).toBe(false);
  });

  test.each([
    ['a length of 0', [0, 0, RW, ANONYMOUS, -1, 0], ERRNO.EINVAL],
    ['an offset within a page', [0, PAGE, RW, ANONYMOUS, -1, 1], ERRNO.EINVAL],
    ['neither private nor shared', [0, PAGE, RW, 0x20, -1, 0], ERRNO.EINVAL],
    ['a fixed address within a page', [1, PAGE, RW, ANONYMOUS | FIXED, -1, 0], ERRNO.EINVAL],
    ['a fixed address of 0', [0, PAGE, RW, ANONYMOUS | FIXED, -1, 0], ERRNO.EPERM],
    ['a fixed end above 4 GiB', [0xffff_f000, 8192, RW, 0x32, -1, 0], ERRNO.ENOMEM],
    ['more than 4 GiB', [0, 2 ** 33, RW, ANONYMOUS, -1, 0], ERRNO.ENOMEM],
    ['all there is', [0, 2 ** 32 - PAGE, RW, ANONYMOUS, -1, 0], ERRNO.ENOMEM],
    ['a length of 2^64 - 1', [0, 2n ** 64n - 1n, RW, ANONYMOUS, -1, 0], ERRNO.ENOMEM],
    ['a closed descriptor', [0, PAGE, RW, PRIVATE, 9, 0], ERRNO.EBADF],
    ['a pipe', [0, PAGE, RW, PRIVATE, 0, 0], ERRNO.ENODEV],
  ])('refuses %s', (_what, args, errno) => {
    expect(new TestProcess().start().call('mmap', ...args)).toBe(-errno);
  });

  test('maps the program’s own file, zeros behind its end', () => {
    const process = new TestProcess().start();
    const fd = process.call('openat', -100, process.text('/proc/self/exe'), 0, 0);
    const start = process.call('mmap', 0, 4 * PAGE, R, PRIVATE, fd, 0);
    expect(process.bytes(start, 4)).toEqual(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46));
    expect(process.space.readU8(start + 4 * PAGE - 1)).toBe(0);
    expect(process.space.isWritable(start, 1)).toBe(false);
  });

  test('takes no frame for memory that is not touched', () => {
    const process = new TestProcess();
    const before = process.space.arena.frames.used;
    expect(map(process, 0x4000_0000, 0x8000_0000)).toBe(0x4000_0000);
    expect(process.space.arena.frames.used).toBe(before);
  });
});

describe('munmap and mprotect', () => {
  test('take away pages and rights', () => {
    const process = new TestProcess();
    expect(process.call('mprotect', DATA, PAGE, R)).toBe(0);
    expect(process.call('write', 1, DATA, 1)).toBe(1);
    process.stdin.give('x');
    expect(process.call('read', 0, DATA, 1)).toBe(-ERRNO.EFAULT);
    expect(process.call('munmap', DATA, PAGE)).toBe(0);
    expect(process.call('write', 1, DATA, 1)).toBe(-ERRNO.EFAULT);
  });

  test('refuse what makes no sense', () => {
    const process = new TestProcess();
    expect(process.call('munmap', DATA + 1, PAGE)).toBe(-ERRNO.EINVAL);
    expect(process.call('munmap', DATA, 0)).toBe(-ERRNO.EINVAL);
    expect(process.call('munmap', 0, PAGE)).toBe(0);
    expect(process.call('mprotect', DATA + 1, PAGE, R)).toBe(-ERRNO.EINVAL);
    expect(process.call('mprotect', DATA, 0, R)).toBe(0);
    expect(process.call('mprotect', DATA, PAGE, 64)).toBe(-ERRNO.EINVAL);
    expect(process.call('mprotect', 0x5000_0000, PAGE, R)).toBe(-ERRNO.ENOMEM);
    expect(process.call('mprotect', 0, PAGE, R)).toBe(-ERRNO.ENOMEM);
  });
});

describe('the number of areas (vm.max_map_count)', () => {
  const AREAS = 65_530;
  const START = 0x5000_0000;
  const PAGES = 2 * AREAS;

  test('is limited: what would make more is ENOMEM, and what makes less is done', () => {
    const calls = new Calls(new TestProcess().start());
    const { process } = calls;
    expect(map(process, START, PAGES * PAGE, ANONYMOUS | FIXED)).toBe(START);
    const lines = (): number => {
      const fd = calls.open('/proc/self/maps');
      let count = 0;
      for (let part = calls.read(fd); part !== ''; part = calls.read(fd)) {
        count += part.split('\n').length - 1;
      }
      process.call('close', fd);
      return count;
    };
    let page = 1;
    while (calls.do('mprotect', START + page * PAGE, PAGE, R) === 0) page += 2;
    expect(calls.do('mprotect', START + page * PAGE, PAGE, R)).toBe('ENOMEM');
    // Heap and stack have lines of their own, and an area is made two at a time.
    expect(lines()).toBeGreaterThan(AREAS - 4);
    expect(lines()).toBeLessThanOrEqual(AREAS + 2);
    const rest = START + (page + 1) * PAGE;
    expect(calls.do('mmap', 0, PAGE, R, ANONYMOUS, -1, 0)).toBe('ENOMEM');
    expect(calls.do('mremap', rest, PAGE, 2 * PAGE, MAYMOVE)).toBe('ENOMEM');
    expect(calls.do('munmap', rest, PAGE)).toBe('ENOMEM');
    // The page next to one that can be read only joins it.
    expect(calls.do('munmap', START + PAGE, 8 * PAGE)).toBe(0);
    expect(calls.do('munmap', rest, PAGE)).toBe(0);
    expect(calls.do('mprotect', START, PAGES * PAGE, RW)).toBe('ENOMEM');
    expect(lines()).toBeLessThan(20);
    expect(calls.do('mremap', rest + PAGE, PAGE, 2 * PAGE, MAYMOVE)).toBeGreaterThan(0);
  });
});

describe('mremap', () => {
  test('shrinks and grows in place', () => {
    const process = new TestProcess();
    const start = map(process, 0x5000_0000, 4 * PAGE);
    expect(process.call('mremap', start, 4 * PAGE, PAGE, 0)).toBe(start);
    expect(process.space.isReadable(start + PAGE, 1)).toBe(false);
    expect(process.call('mremap', start, PAGE, 8 * PAGE, 0)).toBe(start);
    expect(process.space.isWritable(start, 8 * PAGE)).toBe(true);
  });

  test('moves what cannot grow, with its contents', () => {
    const process = new TestProcess().start();
    const start = map(process, 0x5000_0000, 2 * PAGE);
    map(process, 0x5000_0000 + 2 * PAGE, PAGE);
    process.space.write(start + PAGE, Buffer.from('moved'));
    expect(process.call('mremap', start, 2 * PAGE, 3 * PAGE, 0)).toBe(-ERRNO.ENOMEM);
    const moved = process.call('mremap', start, 2 * PAGE, 3 * PAGE, MAYMOVE);
    expect(moved).not.toBe(start);
    expect(Buffer.from(process.bytes(moved + PAGE, 5)).toString()).toBe('moved');
    expect(process.space.isReadable(start, 1)).toBe(false);
  });

  test('moves to a fixed address', () => {
    const process = new TestProcess();
    const start = map(process, 0x5000_0000, 2 * PAGE);
    process.space.write(start, Buffer.from('x'));
    const fixed = MAYMOVE | MREMAP_FIXED;
    expect(process.call('mremap', start, 2 * PAGE, PAGE, fixed, 0x6000_0000)).toBe(0x6000_0000);
    expect(process.space.readU8(0x6000_0000)).toBe(0x78);
    expect(process.space.isReadable(start + PAGE, 1)).toBe(false);
    const again = (to: number): number =>
      process.call('mremap', 0x6000_0000, PAGE, PAGE, fixed, to);
    expect(again(0x6000_0000)).toBe(-ERRNO.EINVAL);
    expect(again(0x6000_0001)).toBe(-ERRNO.EINVAL);
  });

  test('of what is not mapped is EFAULT', () => {
    const process = new TestProcess();
    expect(process.call('mremap', 0x5000_0000, PAGE, 2 * PAGE, MAYMOVE)).toBe(-ERRNO.EFAULT);
    expect(process.call('mremap', DATA, PAGE, 0, MAYMOVE)).toBe(-ERRNO.EINVAL);
  });
});

describe('madvise and mincore', () => {
  test('DONTNEED gives the frames back and shows zeros', () => {
    const process = new TestProcess().start();
    const start = map(process, 0, 4 * PAGE);
    process.space.write(start, new Uint8Array(4 * PAGE).fill(1));
    const used = process.space.arena.frames.used;
    expect(process.call('madvise', start, 4 * PAGE, DONTNEED)).toBe(0);
    expect(process.space.arena.frames.used).toBe(used - 4);
    expect(process.space.readU8(start)).toBe(0);
    expect(process.space.isWritable(start, 1)).toBe(true);
  });

  test('advice is checked', () => {
    const process = new TestProcess();
    expect(process.call('madvise', DATA, PAGE, 3)).toBe(0);
    expect(process.call('madvise', DATA, PAGE, 77)).toBe(-ERRNO.EINVAL);
    expect(process.call('madvise', DATA + 1, PAGE, 3)).toBe(-ERRNO.EINVAL);
    expect(process.call('madvise', 0x5000_0000, PAGE, DONTNEED)).toBe(-ERRNO.ENOMEM);
  });

  test('mincore tells which pages have been touched', () => {
    const process = new TestProcess();
    const start = map(process, 0x5000_0000, 3 * PAGE);
    process.space.write(start + PAGE, Uint8Array.of(1));
    expect(process.call('mincore', start, 3 * PAGE, DATA)).toBe(0);
    expect(process.bytes(DATA, 3)).toEqual(Uint8Array.of(0, 1, 0));
    expect(process.call('mincore', start, 4 * PAGE, DATA)).toBe(-ERRNO.ENOMEM);
  });
});
