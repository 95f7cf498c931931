import { afterEach, describe, expect, test } from 'vitest';
import { ERRNO } from '../../../emulator/linux/abi/errno';
import { Terminal } from '../../../emulator/linux/terminal';
import { DATA, endProcesses, TestProcess } from './process';

afterEach(endProcesses);

const AT_FDCWD = -100;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const BAD = 0x5000_0000;

/** A process whose three streams are one terminal. */
function onTerminal(): { process: TestProcess; terminal: Terminal; shown: () => string } {
  let shown = '';
  const output = (bytes: Uint8Array): void => {
    shown += Buffer.from(bytes).toString();
  };
  const terminal = new Terminal({ columns: 90, rows: 25, now: () => 0, output });
  const streams = { stdin: terminal, stdout: terminal, stderr: terminal };
  return { process: new TestProcess({ streams }), terminal, shown: () => shown };
}

function iovec(process: TestProcess, at: number, buffers: readonly [number, number][]): number {
  buffers.forEach(([address, length], i) => {
    process.space.writeU64(at + 16 * i, address);
    process.space.writeU64(at + 16 * i + 8, length);
  });
  return at;
}

describe('writing', () => {
  test('goes to standard output and standard error', () => {
    const process = new TestProcess();
    expect(process.call('write', 1, process.text('hello'), 5)).toBe(5);
    expect(process.call('write', 2, process.text('oops'), 4)).toBe(4);
    expect(process.stdout.text).toBe('hello');
    expect(process.stderr.text).toBe('oops');
  });

  test('gathers the buffers of writev', () => {
    const process = new TestProcess();
    const text = process.text('hello world');
    const vector = iovec(process, DATA + 0x100, [
      [text, 5],
      [text, 0],
      [text + 5, 6],
    ]);
    expect(process.call('writev', 1, vector, 3)).toBe(11);
    expect(process.stdout.text).toBe('hello world');
    expect(process.call('writev', 1, vector, 1025)).toBe(-ERRNO.EINVAL);
    expect(process.call('writev', 1, vector, 0)).toBe(0);
  });

  test('from memory that is not there is EFAULT; partly there, it ends early', () => {
    const process = new TestProcess();
    expect(process.call('write', 1, BAD, 10)).toBe(-ERRNO.EFAULT);
    expect(process.call('write', 1, BAD, 0)).toBe(0);
    expect(process.call('write', 1, 2n ** 64n - 8n, 16)).toBe(-ERRNO.EFAULT);
    expect(process.call('write', 1, DATA, 2n ** 63n)).toBe(-ERRNO.EFAULT);
    expect(process.call('write', 1, DATA + 0xff00, 0x1000)).toBe(0x100);
  });

  test('to a descriptor that is closed, or only for reading, is EBADF', () => {
    const process = new TestProcess();
    expect(process.call('write', 7, DATA, 1)).toBe(-ERRNO.EBADF);
    expect(process.call('write', 0, DATA, 1)).toBe(-ERRNO.EBADF);
    expect(process.call('write', -1, DATA, 1)).toBe(-ERRNO.EBADF);
  });

  test('when nobody reads any more sends SIGPIPE, and is EPIPE when that is ignored', () => {
    const process = new TestProcess();
    process.stdout.answer = () => -ERRNO.EPIPE;
    expect(process.outcome('write', 1, DATA, 1)).toEqual({ kind: 'killed', signal: 13 });
    const other = new TestProcess();
    other.stdout.answer = () => -ERRNO.EPIPE;
    other.space.writeU64(DATA, 1);
    other.call('rt_sigaction', 13, DATA, 0, 8);
    expect(other.call('write', 1, DATA, 1)).toBe(-ERRNO.EPIPE);
  });

  test('of more than the stream takes waits and goes on where it stopped', () => {
    const process = new TestProcess();
    let room = 3;
    process.stdout.answer = (bytes) => (room === 0 ? 'wait' : Math.min(room, bytes.length));
    const address = process.text('abcdef');
    const deadline = process.clock.milliseconds;
    expect(process.outcome('write', 1, address, 6)).toEqual({
      kind: 'park',
      reason: 'output',
      deadline,
    });
    room = 0;
    expect(process.again()).toEqual({ kind: 'park', reason: 'output' });
    room = 10;
    expect(process.again()).toEqual({ kind: 'done' });
    expect(process.result).toBe(6);
    expect(process.stdout.text).toBe('abcdef');
  });

  test('of several buffers goes on in the right one after waiting', () => {
    const process = new TestProcess();
    const text = process.text('abcdef');
    const vector = iovec(process, DATA + 0x100, [
      [text, 2],
      [text + 2, 2],
      [text + 4, 2],
    ]);
    process.stdout.answer = () => 1;
    expect(process.outcome('writev', 1, vector, 3).kind).toBe('park');
    while (process.again().kind === 'park');
    expect(process.result).toBe(6);
    expect(process.stdout.text).toBe('abcdef');
  });

  test('of many megabytes goes out in slices between which the machine looks up', () => {
    const process = new TestProcess();
    const size = 6 << 20;
    process.space.map(0x2000_0000, size, 3);
    let written = 0;
    process.stdout.answer = (bytes) => ((written += bytes.length), bytes.length);
    const outcome = process.outcome('write', 1, 0x2000_0000, size);
    expect(outcome).toMatchObject({ kind: 'park', deadline: process.clock.milliseconds });
    expect(process.again().kind).toBe('done');
    expect([process.result, written]).toEqual([size, size]);
  });
});

describe('reading', () => {
  test('gives what there is, then the end of file', () => {
    const process = new TestProcess();
    process.stdin.give('hello').end();
    expect(process.call('read', 0, DATA, 100)).toBe(5);
    expect(Buffer.from(process.bytes(DATA, 5)).toString()).toBe('hello');
    expect(process.call('read', 0, DATA, 100)).toBe(0);
  });

  test('waits while there is nothing and goes on when there is', () => {
    const process = new TestProcess();
    expect(process.outcome('read', 0, DATA, 10)).toEqual({ kind: 'park', reason: 'input' });
    expect(process.again().kind).toBe('park');
    process.stdin.give('x');
    expect(process.again()).toEqual({ kind: 'done' });
    expect(process.result).toBe(1);
    expect(process.kernel.usage()[0]).toMatchObject({ name: 'read', count: 1 });
  });

  test('of many megabytes comes in slices between which the machine looks up', () => {
    const process = new TestProcess();
    const size = 6 << 20;
    process.space.map(0x2000_0000, size, 3);
    const fd = process.call('openat', AT_FDCWD, process.text('/dev/urandom'), 0, 0);
    expect(process.outcome('read', fd, 0x2000_0000, size).kind).toBe('park');
    expect(process.again().kind).toBe('done');
    expect(process.result).toBe(size);
    expect(process.bytes(0x2000_0000, size).every((byte) => byte === 7)).toBe(true);
  });

  test('scatters over the buffers of readv', () => {
    const process = new TestProcess();
    process.stdin.give('abcdef').end();
    const vector = iovec(process, DATA + 0x100, [
      [DATA, 2],
      [DATA + 16, 10],
    ]);
    expect(process.call('readv', 0, vector, 2)).toBe(6);
    expect(Buffer.from(process.bytes(DATA + 16, 4)).toString()).toBe('cdef');
  });

  test('into memory that cannot be written is EFAULT and takes no input', () => {
    const process = new TestProcess();
    process.stdin.give('abc');
    expect(process.call('read', 0, BAD, 10)).toBe(-ERRNO.EFAULT);
    expect(process.call('read', 0, DATA, 10)).toBe(3);
  });

  test('without waiting is EAGAIN with O_NONBLOCK', () => {
    const process = new TestProcess();
    expect(process.call('fcntl', 0, 4, O_NONBLOCK)).toBe(0);
    expect(process.call('read', 0, DATA, 10)).toBe(-ERRNO.EAGAIN);
  });

  test('of a terminal gives one line, however long the buffer is', () => {
    const { process, terminal } = onTerminal();
    terminal.input(Buffer.from('one\rtwo\r'));
    expect(process.call('read', 0, DATA, 4096)).toBe(4);
    expect(process.call('read', 0, DATA, 4096)).toBe(4);
    expect(process.outcome('read', 0, DATA, 4096)).toEqual({ kind: 'park', reason: 'input' });
  });

  test('of a raw terminal ends when its time is over', () => {
    const { process, terminal } = onTerminal();
    const cc = Uint8Array.from(terminal.termios.cc);
    cc[5] = 10;
    cc[6] = 0;
    terminal.setTermios({ ...terminal.termios, lflag: 0, cc });
    const deadline = process.clock.milliseconds + 1000;
    expect(process.outcome('read', 0, DATA, 1)).toEqual({
      kind: 'park',
      reason: 'input',
      deadline,
    });
    process.clock.milliseconds = deadline;
    expect(process.again().kind).toBe('done');
    expect(process.result).toBe(0);
  });
});

describe('seeking', () => {
  test('in a stream is ESPIPE, in pread too', () => {
    const process = new TestProcess();
    expect(process.call('lseek', 0, 0, 1)).toBe(-ERRNO.ESPIPE);
    expect(process.call('lseek', 0, 0, 9)).toBe(-ERRNO.EINVAL);
    expect(process.call('lseek', 9, 0, 0)).toBe(-ERRNO.EBADF);
    expect(process.call('pread64', 0, DATA, 1, 0)).toBe(-ERRNO.ESPIPE);
    expect(process.call('pread64', 0, DATA, 1, -1)).toBe(-ERRNO.EINVAL);
  });

  test('in the program’s own file moves the position', () => {
    const process = new TestProcess().start(['/bin/self']);
    const path = process.text('/proc/self/exe', DATA + 0x200);
    const fd = process.call('openat', AT_FDCWD, path, 0, 0);
    expect(process.call('read', fd, DATA, 4)).toBe(4);
    expect(process.bytes(DATA, 4)).toEqual(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46));
    expect(process.call('lseek', fd, -1, 1)).toBe(3);
    expect(process.call('lseek', fd, -1000000, 1)).toBe(-ERRNO.EINVAL);
    expect(process.call('pread64', fd, DATA, 1, 1)).toBe(1);
    expect(process.bytes(DATA, 1)).toEqual(Uint8Array.of(0x45));
    expect(process.call('lseek', fd, 0, 1)).toBe(3);
  });
});

describe('descriptors', () => {
  test('are given out from the lowest free number on, and can be doubled', () => {
    const process = new TestProcess();
    expect(process.call('dup', 1)).toBe(3);
    expect(process.call('close', 0)).toBe(0);
    expect(process.call('dup', 1)).toBe(0);
    expect(process.call('fcntl', 1, 0, 10)).toBe(10);
    expect(process.call('dup3', 1, 20, 0o2000000)).toBe(20);
    expect(process.call('fcntl', 20, 1)).toBe(1);
    expect(process.call('fcntl', 10, 1)).toBe(0);
    expect(process.call('write', 20, process.text('x'), 1)).toBe(1);
    expect(process.stdout.text).toBe('x');
  });

  test('that make no sense are refused', () => {
    const process = new TestProcess();
    expect(process.call('dup', 99)).toBe(-ERRNO.EBADF);
    expect(process.call('dup3', 1, 1, 0)).toBe(-ERRNO.EINVAL);
    expect(process.call('dup3', 1, 5000, 0)).toBe(-ERRNO.EBADF);
    expect(process.call('close', 99)).toBe(-ERRNO.EBADF);
    expect(process.call('fcntl', 1, 0, 5000)).toBe(-ERRNO.EINVAL);
  });

  test('run out at the limit: EMFILE', () => {
    const process = new TestProcess({ limits: { openFiles: 5 } });
    expect([1, 2, 3].map(() => process.call('dup', 0))).toEqual([3, 4, -ERRNO.EMFILE]);
  });

  test('can be closed in a range', () => {
    const process = new TestProcess();
    expect(process.call('close_range', 1, 0xffff_ffff, 0)).toBe(0);
    expect(process.call('write', 1, DATA, 1)).toBe(-ERRNO.EBADF);
    expect(process.call('close_range', 3, 1, 0)).toBe(-ERRNO.EINVAL);
  });
});

describe('the files that a guest finds', () => {
  function open(process: TestProcess, path: string, flags = 0): number {
    return process.call('openat', AT_FDCWD, process.text(path), flags, 0);
  }

  test('are devices: null, zero, full and random', () => {
    const process = new TestProcess();
    const zero = open(process, '/dev/zero', O_RDWR);
    process.space.write(DATA, new Uint8Array(8).fill(1));
    expect(process.call('read', zero, DATA, 8)).toBe(8);
    expect(process.u64(DATA)).toBe(0);
    const random = open(process, '/dev/urandom');
    expect(process.call('read', random, DATA, 8)).toBe(8);
    expect(process.bytes(DATA, 8)).toEqual(new Uint8Array(8).fill(7));
    const nothing = open(process, '/dev/null', O_RDWR);
    expect(process.call('read', nothing, DATA, 8)).toBe(0);
    expect(process.call('write', nothing, BAD, 8)).toBe(8);
    const full = open(process, '/dev/full', O_RDWR);
    expect(process.call('write', full, DATA, 8)).toBe(-ERRNO.ENOSPC);
  });

  test('are nothing of the host', () => {
    const process = new TestProcess();
    const paths = [
      '/etc/shadow',
      '/root',
      '/proc/1/maps',
      '/dev/../../etc/shadow',
      'x',
      '/dev/sda',
    ];
    for (const path of paths) expect(open(process, path), path).toBe(-ERRNO.ENOENT);
    expect(open(process, '')).toBe(-ERRNO.ENOENT);
    expect(open(process, '/dev/null/x')).toBe(-ERRNO.ENOTDIR);
    expect(open(process, '/tmp', O_RDWR)).toBe(-ERRNO.EISDIR);
    expect(open(process, '/proc/new', O_RDWR | 0o100)).toBe(-ERRNO.EACCES);
    expect(process.call('openat', AT_FDCWD, BAD, 0, 0)).toBe(-ERRNO.EFAULT);
    expect(process.call('openat', AT_FDCWD, process.text('a'.repeat(5000)), 0, 0)).toBe(
      -ERRNO.ENAMETOOLONG,
    );
  });

  test('include the process itself', () => {
    const process = new TestProcess().start(['/usr/bin/tool', 'a', 'b']);
    const path = process.text('/proc/self/exe');
    expect(process.call('readlinkat', AT_FDCWD, path, DATA + 0x100, 100)).toBe(13);
    expect(process.space.readString(DATA + 0x100).text).toBe('/usr/bin/tool');
    expect(process.call('readlinkat', AT_FDCWD, path, DATA + 0x100, 4)).toBe(4);
    const line = open(process, '/proc/self/cmdline');
    expect(process.call('read', line, DATA, 100)).toBe(18);
    expect(Buffer.from(process.bytes(DATA, 18)).toString()).toBe('/usr/bin/tool\0a\0b\0');
    expect(open(process, '/proc/self/fd/1')).toBeGreaterThan(2);
    expect(open(process, '/dev/fd/77')).toBe(-ERRNO.ENOENT);
  });

  test('are seen from the working directory', () => {
    const process = new TestProcess();
    expect(process.call('chdir', process.text('/dev'))).toBe(0);
    expect(open(process, 'null')).toBe(3);
    expect(process.call('getcwd', DATA, 100)).toBe(5);
    expect(process.space.readString(DATA).text).toBe('/dev');
    expect(process.call('getcwd', DATA, 3)).toBe(-ERRNO.ERANGE);
    expect(process.call('chdir', process.text('null'))).toBe(-ERRNO.ENOTDIR);
    const directory = open(process, '/proc');
    const path = process.text('self/cmdline');
    expect(process.call('openat', directory, path, 0, 0)).toBeGreaterThan(0);
    expect(process.call('openat', 3, path, 0, 0)).toBe(-ERRNO.ENOTDIR);
  });

  test('can be asked about', () => {
    const process = new TestProcess();
    const access = (path: string, mode: number): number =>
      process.call('faccessat', AT_FDCWD, process.text(path), mode);
    expect(access('/dev/null', 6)).toBe(0);
    expect(access('/dev/null', 1)).toBe(-ERRNO.EACCES);
    expect(access('/proc', 2)).toBe(-ERRNO.EACCES);
    expect(access('/nowhere', 0)).toBe(-ERRNO.ENOENT);
    expect(access('/dev/null', 8)).toBe(-ERRNO.EINVAL);
  });
});

describe('stat', () => {
  const mode = (process: TestProcess): number => process.space.readU32(DATA + 0x1010) ?? 0;

  test('tells a pipe from a terminal', () => {
    const process = new TestProcess();
    expect(process.call('fstat', 1, DATA + 0x1000)).toBe(0);
    expect(mode(process) & 0o170000).toBe(0o010000);
    const terminal = onTerminal().process;
    expect(terminal.call('fstat', 1, DATA + 0x1000)).toBe(0);
    expect(mode(terminal) & 0o170000).toBe(0o020000);
    // Major 136: pseudo-terminals.
    expect(terminal.u64(DATA + 0x1020)).toBe(136 << 8);
  });

  test('takes a path, a descriptor with an empty path, or a link', () => {
    const process = new TestProcess().start(['/bin/self']);
    const stat = (fd: number, path: string, flags: number): number =>
      process.call('newfstatat', fd, process.text(path), DATA + 0x1000, flags);
    expect(stat(1, '', 0x1000)).toBe(0);
    expect(stat(1, '', 0)).toBe(-ERRNO.ENOENT);
    expect(stat(AT_FDCWD, '/dev', 0)).toBe(0);
    expect(mode(process) & 0o170000).toBe(0o040000);
    expect(stat(AT_FDCWD, '/proc/self/exe', 0x100)).toBe(0);
    expect(mode(process) & 0o170000).toBe(0o120000);
    expect(stat(AT_FDCWD, '/proc/self/exe', 0)).toBe(0);
    expect(mode(process) & 0o170000).toBe(0o100000);
    expect(stat(99, '', 0x1000)).toBe(-ERRNO.EBADF);
    expect(process.call('fstat', 1, BAD)).toBe(-ERRNO.EFAULT);
  });

  test('is there as statx', () => {
    const process = new TestProcess();
    const path = process.text('/dev/null');
    expect(process.call('statx', AT_FDCWD, path, 0, 0x7ff, DATA + 0x1000)).toBe(0);
    expect(process.space.readU16(DATA + 0x1000 + 28)).toBe(0o020666);
    expect(process.space.readU32(DATA + 0x1000 + 128)).toBe(1);
    expect(process.space.readU32(DATA + 0x1000 + 132)).toBe(3);
  });
});

describe('ioctl', () => {
  const [TCGETS, TCSETS, TCSETSF, TIOCGWINSZ, FIONREAD] = [0x5401, 0x5402, 0x5404, 0x5413, 0x541b];

  test('of a terminal’s settings is ENOTTY for a pipe', () => {
    const process = new TestProcess();
    expect(process.call('ioctl', 1, TCGETS, DATA)).toBe(-ERRNO.ENOTTY);
    expect(process.call('ioctl', 9, TCGETS, DATA)).toBe(-ERRNO.EBADF);
  });

  test('reads and changes the terminal’s settings', () => {
    const { process, terminal } = onTerminal();
    expect(process.call('ioctl', 0, TCGETS, DATA)).toBe(0);
    const lflag = process.space.readU32(DATA + 12) ?? 0;
    expect(lflag).toBe(terminal.termios.lflag);
    process.space.writeU32(DATA + 12, lflag & ~2);
    terminal.input(Buffer.from('typed'));
    expect(process.call('ioctl', 0, TCSETSF, DATA)).toBe(0);
    expect(terminal.termios.lflag).toBe(lflag & ~2);
    expect(terminal.available()).toBe(0);
    expect(process.call('ioctl', 0, TCSETS, BAD)).toBe(-ERRNO.EFAULT);
    expect(process.call('ioctl', 0, 0x1234, DATA)).toBe(-ERRNO.ENOTTY);
  });

  test('tells the window’s size and how much can be read', () => {
    const { process, terminal } = onTerminal();
    expect(process.call('ioctl', 1, TIOCGWINSZ, DATA)).toBe(0);
    expect([process.space.readU16(DATA), process.space.readU16(DATA + 2)]).toEqual([25, 90]);
    terminal.input(Buffer.from('abc\r'));
    expect(process.call('ioctl', 0, FIONREAD, DATA)).toBe(0);
    expect(process.space.readU32(DATA)).toBe(4);
  });
});

describe('poll', () => {
  const POLLIN = 1;
  const POLLOUT = 4;

  function pollfds(process: TestProcess, ...fds: [number, number][]): number {
    fds.forEach(([fd, events], i) => {
      process.space.writeU32(DATA + 8 * i, fd);
      process.space.writeU32(DATA + 8 * i + 4, events);
    });
    return DATA;
  }

  test('tells at once what is ready', () => {
    const process = new TestProcess();
    process.stdin.give('x');
    const fds = pollfds(process, [0, POLLIN], [1, POLLIN | POLLOUT], [9, POLLIN], [-1, POLLIN]);
    expect(process.call('ppoll', fds, 4, 0, 0, 8)).toBe(3);
    const events = [0, 1, 2, 3].map((i) => process.space.readU16(DATA + 8 * i + 6));
    expect(events).toEqual([POLLIN, POLLOUT, 0x20, 0]);
  });

  test('waits for input until its time is over, counted from the first try', () => {
    const process = new TestProcess();
    const fds = pollfds(process, [0, POLLIN]);
    process.space.writeU64(DATA + 0x100, 2);
    process.space.writeU64(DATA + 0x108, 0);
    const deadline = process.clock.milliseconds + 2000;
    const park = { kind: 'park', reason: 'input', deadline };
    expect(process.outcome('ppoll', fds, 1, DATA + 0x100, 0, 8)).toEqual(park);
    process.clock.milliseconds += 1500;
    expect(process.again()).toEqual(park);
    process.clock.milliseconds += 500;
    expect(process.again().kind).toBe('done');
    expect(process.result).toBe(0);
  });

  test('is there as select', () => {
    const process = new TestProcess();
    process.stdin.give('x');
    process.space.writeU64(DATA, 0b1);
    process.space.writeU64(DATA + 8, 0b10);
    expect(process.call('pselect6', 2, DATA, DATA + 8, 0, 0, 0)).toBe(2);
    process.space.writeU64(DATA, 0b1000);
    expect(process.call('pselect6', 4, DATA, 0, 0, 0, 0)).toBe(-ERRNO.EBADF);
  });
});
