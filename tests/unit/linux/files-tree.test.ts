import { afterEach, describe, expect, test } from 'vitest';
import { FileTree } from '../../../emulator/linux/files/tree';
import { AT_FDCWD, Calls, O, OUT } from './calls';
import { endProcesses, TestProcess } from './process';

afterEach(endProcesses);

const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_NOFOLLOW = 0x100;
const S_IFMT = 0o170000;

describe('a file in memory', () => {
  test('keeps what is written', () => {
    const calls = new Calls().file('/tmp/a', 'hello');
    expect(calls.text('/tmp/a')).toBe('hello');
    expect(calls.stat('/tmp/a')).toMatchObject({ mode: 0o100644, size: 5, links: 1 });
  });

  test('has the permissions that umask leaves', () => {
    const calls = new Calls();
    expect(calls.do('umask', 0o077)).toBe(0o022);
    calls.file('/tmp/a', '');
    expect(calls.stat('/tmp/a').mode).toBe(0o100600);
  });

  test('is created only when it is asked for, and with O_EXCL only when it is not there', () => {
    const calls = new Calls();
    expect(calls.do('openat', AT_FDCWD, '/tmp/a', O.WRONLY, 0)).toBe('ENOENT');
    expect(calls.do('openat', AT_FDCWD, '/tmp/a', O.WRONLY | O.CREAT | O.EXCL, 0o600)).toBe(3);
    expect(calls.do('openat', AT_FDCWD, '/tmp/a', O.WRONLY | O.CREAT | O.EXCL, 0o600)).toBe(
      'EEXIST',
    );
    calls.do('symlinkat', 'nowhere', AT_FDCWD, '/tmp/l');
    expect(calls.do('openat', AT_FDCWD, '/tmp/l', O.WRONLY | O.CREAT | O.EXCL, 0o600)).toBe(
      'EEXIST',
    );
  });

  test('is cut by O_TRUNC and grows by O_APPEND', () => {
    const calls = new Calls().file('/tmp/a', 'long text');
    calls.write(calls.open('/tmp/a', O.WRONLY | O.TRUNC), 'ab');
    calls.write(calls.open('/tmp/a', O.WRONLY | O.APPEND), 'cd');
    expect(calls.text('/tmp/a')).toBe('abcd');
  });

  test('that is read-only cannot be opened for writing, except by who makes it', () => {
    const calls = new Calls();
    const fd = calls.open('/tmp/a', O.WRONLY | O.CREAT, 0o444);
    expect(calls.write(fd, 'x')).toBe(1);
    expect(calls.do('openat', AT_FDCWD, '/tmp/a', O.WRONLY, 0)).toBe('EACCES');
    expect(calls.do('fchmodat', AT_FDCWD, '/tmp/a', 0o644)).toBe(0);
    expect(calls.open('/tmp/a', O.WRONLY)).toBeGreaterThan(0);
  });

  test('has holes where nothing was written', () => {
    const calls = new Calls();
    const fd = calls.open('/tmp/a', O.RDWR | O.CREAT);
    expect(calls.do('lseek', fd, 2 ** 35, 0)).toBe(2 ** 35);
    calls.write(fd, 'end');
    expect(calls.do('lseek', fd, 0, 3)).toBe(2 ** 35);
    expect(calls.do('lseek', fd, 0, 4)).toBe(0);
    expect(calls.do('lseek', fd, 2 ** 35 + 3, 3)).toBe('ENXIO');
    expect(calls.stat('/tmp/a').size).toBe(2 ** 35 + 3);
    expect(calls.do('fallocate', fd, 3, 2 ** 35, 3)).toBe(0);
    calls.raw('lseek', fd, 2 ** 35, 0);
    expect(calls.read(fd)).toBe('\0\0\0');
  });

  test('can be cut and lengthened', () => {
    const calls = new Calls().file('/tmp/a', 'hello world');
    const fd = calls.open('/tmp/a', O.RDWR);
    expect(calls.do('ftruncate', fd, 5)).toBe(0);
    expect(calls.do('truncate', '/tmp/a', 7)).toBe(0);
    expect(calls.text('/tmp/a')).toBe('hello\0\0');
    expect(calls.do('ftruncate', fd, -1)).toBe('EINVAL');
    expect(calls.do('truncate', '/tmp', 0)).toBe('EISDIR');
  });

  test('lives on without a name while it is open', () => {
    const calls = new Calls().file('/tmp/a', 'still there');
    const fd = calls.open('/tmp/a');
    expect(calls.do('unlinkat', AT_FDCWD, '/tmp/a', 0)).toBe(0);
    expect(calls.text('/tmp/a')).toBe('ENOENT');
    expect(calls.read(fd)).toBe('still there');
  });

  test('can be read and written at a position', () => {
    const calls = new Calls().file('/tmp/a', 'abcdef');
    const fd = calls.open('/tmp/a', O.RDWR);
    calls.process.space.write(OUT, Buffer.from('XY'));
    expect(calls.do('pwrite64', fd, OUT, 2, 1)).toBe(2);
    expect(calls.do('pread64', fd, OUT, 3, 0)).toBe(3);
    expect(Buffer.from(calls.process.bytes(OUT, 3)).toString()).toBe('aXY');
    expect(calls.read(fd)).toBe('aXYdef');
  });

  test('without a name: memfd_create and O_TMPFILE', () => {
    const calls = new Calls();
    calls.process.start(['/bin/p']);
    for (const fd of [calls.raw('memfd_create', 'x', 0), calls.open('/tmp', O.RDWR | O.TMPFILE)]) {
      calls.write(fd, 'text');
      calls.raw('lseek', fd, 0, 0);
      expect(calls.read(fd)).toBe('text');
    }
    expect(calls.list('/tmp')).toEqual(['.', '..']);
  });
});

describe('names', () => {
  test('of directories', () => {
    const calls = new Calls();
    expect(calls.do('mkdirat', AT_FDCWD, '/tmp/d', 0o777)).toBe(0);
    expect(calls.do('mkdirat', AT_FDCWD, '/tmp/d', 0o777)).toBe('EEXIST');
    expect(calls.do('mkdirat', AT_FDCWD, '/tmp/no/d', 0o777)).toBe('ENOENT');
    expect(calls.do('mkdirat', AT_FDCWD, '/tmp/d/e/', 0o777)).toBe(0);
    expect(calls.stat('/tmp/d')).toMatchObject({ mode: 0o040755, links: 3 });
    expect(calls.do('unlinkat', AT_FDCWD, '/tmp/d', AT_REMOVEDIR)).toBe('ENOTEMPTY');
    expect(calls.do('unlinkat', AT_FDCWD, '/tmp/d', 0)).toBe('EISDIR');
    expect(calls.do('unlinkat', AT_FDCWD, '/tmp/d/e', AT_REMOVEDIR)).toBe(0);
    expect(calls.do('unlinkat', AT_FDCWD, '/tmp/d/.', AT_REMOVEDIR)).toBe('EINVAL');
    expect(calls.do('unlinkat', AT_FDCWD, '/tmp/d', AT_REMOVEDIR)).toBe(0);
  });

  test('are listed whole, however small the buffer', () => {
    const calls = new Calls();
    const names = Array.from({ length: 50 }, (_, i) => `file${i}`);
    for (const name of names) calls.file(`/tmp/${name}`, '');
    expect(calls.list('/tmp', 100)).toEqual(['.', '..', ...names].sort());
    const fd = calls.open('/tmp');
    expect(calls.do('getdents64', fd, OUT, 10)).toBe('EINVAL');
    expect(calls.do('getdents64', 1, OUT, 100)).toBe('EBADF');
  });

  test('of links are followed, but not for ever', () => {
    const calls = new Calls().file('/tmp/a', 'A');
    calls.do('symlinkat', 'a', AT_FDCWD, '/tmp/l');
    calls.do('symlinkat', '/tmp/l', AT_FDCWD, '/tmp/m');
    calls.do('symlinkat', 'loop', AT_FDCWD, '/tmp/loop');
    expect(calls.text('/tmp/m')).toBe('A');
    expect(calls.text('/tmp/loop')).toBe('ELOOP');
    expect(calls.do('openat', AT_FDCWD, '/tmp/l', O.NOFOLLOW, 0)).toBe('ELOOP');
    expect(calls.stat('/tmp/l', AT_SYMLINK_NOFOLLOW)).toMatchObject({ mode: 0o120777, size: 1 });
    expect(calls.do('readlinkat', AT_FDCWD, '/tmp/m', OUT, 100)).toBe(6);
    expect(calls.do('readlinkat', AT_FDCWD, '/tmp/a', OUT, 100)).toBe('EINVAL');
    expect(calls.do('symlinkat', '', AT_FDCWD, '/tmp/x')).toBe('ENOENT');
  });

  test('of one file can be several', () => {
    const calls = new Calls().file('/tmp/a', 'A');
    expect(calls.do('linkat', AT_FDCWD, '/tmp/a', AT_FDCWD, '/tmp/b', 0)).toBe(0);
    expect(calls.stat('/tmp/b')).toMatchObject({ links: 2, inode: calls.stat('/tmp/a').inode });
    calls.do('unlinkat', AT_FDCWD, '/tmp/a', 0);
    expect(calls.text('/tmp/b')).toBe('A');
    expect(calls.do('linkat', AT_FDCWD, '/tmp', AT_FDCWD, '/tmp/c', 0)).toBe('EPERM');
    expect(calls.do('linkat', AT_FDCWD, '/tmp/b', AT_FDCWD, '/tmp/b', 0)).toBe('EEXIST');
    expect(calls.do('linkat', AT_FDCWD, '/tmp/b', AT_FDCWD, '/home/b', 0)).toBe('EXDEV');
  });

  test('of an open file without one can be given', () => {
    const calls = new Calls();
    calls.process.start(['/bin/p']);
    const fd = calls.open('/dev/shm', O.RDWR | O.TMPFILE);
    expect(calls.do('linkat', AT_FDCWD, `/proc/self/fd/${fd}`, AT_FDCWD, '/tmp/x', 0x400)).toBe(
      'EXDEV',
    );
  });

  test('can be moved, over files and over empty directories', () => {
    const calls = new Calls().file('/tmp/a', 'A').file('/tmp/b', 'B');
    const rename = (from: string, to: string, flags = 0): number | string =>
      calls.do('renameat2', AT_FDCWD, from, AT_FDCWD, to, flags);
    expect(rename('/tmp/a', '/tmp/b', 1)).toBe('EEXIST');
    expect(rename('/tmp/a', '/tmp/b', 2)).toBe(0);
    expect([calls.text('/tmp/a'), calls.text('/tmp/b')]).toEqual(['B', 'A']);
    expect(rename('/tmp/a', '/tmp/b')).toBe(0);
    expect(calls.text('/tmp/b')).toBe('B');
    for (const name of ['d', 'd/sub', 'e']) calls.do('mkdirat', AT_FDCWD, `/tmp/${name}`, 0o755);
    expect(rename('/tmp/b', '/tmp/d')).toBe('EISDIR');
    expect(rename('/tmp/d', '/tmp/b')).toBe('ENOTDIR');
    expect(rename('/tmp/e', '/tmp/d')).toBe('ENOTEMPTY');
    expect(rename('/tmp/d', '/tmp/d/sub/x')).toBe('EINVAL');
    expect(rename('/tmp/d', '/tmp/e')).toBe(0);
    expect(calls.list('/tmp/e')).toEqual(['.', '..', 'sub']);
    expect(rename('/tmp/e', '/tmp/e')).toBe(0);
    expect(rename('/tmp/none', '/tmp/x')).toBe('ENOENT');
    expect(rename('/tmp/b', '/tmp/x', 4)).toBe('EINVAL');
  });

  test('that are too long or lead through files are refused', () => {
    const calls = new Calls().file('/tmp/a', '');
    expect(calls.text(`/tmp/${'x'.repeat(256)}`)).toBe('ENAMETOOLONG');
    expect(calls.text('/tmp/a/b')).toBe('ENOTDIR');
    expect(calls.text('/tmp/a/')).toBe('ENOTDIR');
    expect(calls.text('/tmp/none/b')).toBe('ENOENT');
    expect(calls.do('openat', AT_FDCWD, '/tmp/x/', O.CREAT | O.WRONLY, 0o600)).toBe('EISDIR');
  });

  test('are found from the directory of a descriptor', () => {
    const calls = new Calls().file('/tmp/a', 'A');
    const directory = calls.open('/tmp', O.PATH | O.DIRECTORY);
    expect(calls.do('openat', directory, 'a', 0, 0)).toBe(4);
    expect(calls.do('openat', 4, 'a', 0, 0)).toBe('ENOTDIR');
    expect(calls.do('openat', 99, 'a', 0, 0)).toBe('EBADF');
    expect(calls.do('openat', 99, '/tmp/a', 0, 0)).toBe(5);
    expect(calls.do('fchdir', directory)).toBe(0);
    expect(calls.text('a')).toBe('A');
  });

  test('of the current directory follow it when it is moved, and are gone with it', () => {
    const calls = new Calls();
    const cwd = (): string | number => {
      const length = calls.do('getcwd', OUT, 100);
      return typeof length === 'string' ? length : calls.process.space.readString(OUT).text;
    };
    calls.do('mkdirat', AT_FDCWD, '/tmp/d', 0o755);
    calls.do('chdir', '/tmp/d');
    calls.do('renameat2', AT_FDCWD, '/tmp/d', AT_FDCWD, '/tmp/e', 0);
    expect(cwd()).toBe('/tmp/e');
    calls.do('unlinkat', AT_FDCWD, '/tmp/e', AT_REMOVEDIR);
    expect(cwd()).toBe('ENOENT');
    expect(calls.do('openat', AT_FDCWD, 'x', O.CREAT | O.WRONLY, 0o600)).toBe('ENOENT');
    expect(calls.do('chdir', '..')).toBe(0);
    expect(cwd()).toBe('/tmp');
  });

  test('of a directory without the permission to search it lead nowhere', () => {
    const calls = new Calls();
    calls.do('mkdirat', AT_FDCWD, '/tmp/d', 0o755);
    calls.file('/tmp/d/a', 'A');
    calls.do('fchmodat', AT_FDCWD, '/tmp/d', 0o600);
    expect(calls.text('/tmp/d/a')).toBe('EACCES');
    calls.do('fchmodat', AT_FDCWD, '/tmp/d', 0o500);
    expect(calls.text('/tmp/d/a')).toBe('A');
    expect(calls.do('unlinkat', AT_FDCWD, '/tmp/d/a', 0)).toBe('EACCES');
  });

  test('of what is mounted stay', () => {
    const calls = new Calls();
    expect(calls.do('unlinkat', AT_FDCWD, '/tmp', AT_REMOVEDIR)).toBe('EBUSY');
    expect(calls.do('renameat2', AT_FDCWD, '/dev', AT_FDCWD, '/home/dev', 0)).toBe('EXDEV');
    expect(calls.list('/')).toEqual(['.', '..', 'dev', 'etc', 'home', 'proc', 'tmp']);
  });
});

describe('attributes', () => {
  test('times are set and told to the nanosecond', () => {
    const calls = new Calls().file('/tmp/a', '');
    const { space } = calls.process;
    [1n, 2n, 1_700_000_000n, 123_456_789n].forEach((value, i) =>
      space.writeU64(OUT + 8 * i, value),
    );
    expect(calls.do('utimensat', AT_FDCWD, '/tmp/a', OUT, 0)).toBe(0);
    calls.stat('/tmp/a');
    const words = [72, 80, 88, 96].map((at) => calls.process.u64(OUT + at));
    expect(words).toEqual([1, 2, 1_700_000_000, 123_456_789]);
    space.writeU64(OUT + 8, 10n ** 9n);
    expect(calls.do('utimensat', AT_FDCWD, '/tmp/a', OUT, 0)).toBe('EINVAL');
  });

  test('only root gives files away', () => {
    const calls = new Calls().file('/tmp/a', '');
    expect(calls.do('fchownat', AT_FDCWD, '/tmp/a', 0, 0, 0)).toBe('EPERM');
    expect(calls.do('fchownat', AT_FDCWD, '/tmp/a', 1000, -1, 0)).toBe(0);
  });

  test('access tells what may be done', () => {
    const calls = new Calls().file('/tmp/a', '');
    expect(calls.do('faccessat', AT_FDCWD, '/tmp/a', 6)).toBe(0);
    expect(calls.do('faccessat', AT_FDCWD, '/tmp/a', 1)).toBe('EACCES');
    expect(calls.do('faccessat2', AT_FDCWD, '/tmp/a', 4, 0x8000)).toBe('EINVAL');
  });

  test('statfs tells the file system and what is free', () => {
    const calls = new Calls();
    expect(calls.do('statfs', '/tmp', OUT)).toBe(0);
    expect(calls.process.u64(OUT)).toBe(0x0102_1994);
    const free = calls.process.u64(OUT + 24);
    calls.file('/tmp/a', 'x');
    calls.do('statfs', '/tmp', OUT);
    expect(calls.process.u64(OUT + 24)).toBe(free - 1);
  });
});

describe('limits', () => {
  test('of bytes: ENOSPC, and what is removed is free again', () => {
    const calls = new Calls(new TestProcess({ files: new FileTree({ fileBytes: 64 * 1024 }) }));
    const fd = calls.open('/tmp/a', O.RDWR | O.CREAT);
    calls.process.space.map(0x2000_0000, 0x10_0000, 3);
    const written = calls.raw('write', fd, 0x2000_0000, 0x10_0000);
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThanOrEqual(64 * 1024);
    expect(calls.write(fd, 'x'.repeat(5000))).toBe('ENOSPC');
    calls.raw('close', fd);
    calls.do('unlinkat', AT_FDCWD, '/tmp/a', 0);
    calls.file('/tmp/b', 'x'.repeat(5000));
    expect(calls.stat('/tmp/b').size).toBe(5000);
  });

  test('of files: ENOSPC', () => {
    const calls = new Calls(new TestProcess({ files: new FileTree({ files: 3 }) }));
    const results = [1, 2, 3, 4].map((i) => calls.do('mkdirat', AT_FDCWD, `/tmp/${i}`, 0o755));
    expect(results).toEqual([0, 0, 0, 'ENOSPC']);
    calls.do('unlinkat', AT_FDCWD, '/tmp/1', AT_REMOVEDIR);
    expect(calls.do('mkdirat', AT_FDCWD, '/tmp/4', 0o755)).toBe(0);
  });

  test('of a file’s size: EFBIG', () => {
    const calls = new Calls();
    const fd = calls.open('/tmp/a', O.RDWR | O.CREAT);
    expect(calls.do('ftruncate', fd, 2n ** 62n)).toBe('EFBIG');
    expect(calls.do('fallocate', fd, 0, 0, 2n ** 62n)).toBe('EFBIG');
    expect(calls.do('fallocate', fd, 0, 0, 2n ** 40n)).toBe('ENOSPC');
  });
});

describe('/proc', () => {
  test('shows the process', () => {
    const calls = new Calls(new TestProcess().start(['/usr/bin/tool', 'x'], ['A=1']));
    expect(calls.text('/proc/self/comm')).toBe('tool\n');
    expect(calls.text('/proc/self/environ')).toBe('A=1\0');
    expect(calls.text('/proc/1000/status')).toMatch(/^Name:\ttool\nUmask:.*\nState:\tR/);
    expect(calls.text('/proc/self/stat')).toMatch(/^1000 \(tool\) R 1 /);
    expect(calls.list('/proc/self/fd')).toEqual(['.', '..', '0', '1', '2', '3']);
    expect(calls.text('/proc/2/status')).toBe('ENOENT');
    expect(calls.text('/usr/bin/tool').slice(1, 4)).toBe('ELF');
  });

  test('shows the memory map with names', () => {
    const calls = new Calls(new TestProcess().start(['/usr/bin/tool']));
    const fd = calls.open('/proc/self/maps');
    const map = calls.read(fd, 8192);
    expect(map).toMatch(/^00010000-00011000 r-xp 00001000 \S+ \d+ +\/usr\/bin\/tool$/m);
    expect(map).toMatch(/^ff7f0000-ffff0000 rw-p 00000000 00:00 0 +\[stack\]$/m);
  });

  test('shows mounts, and the kernel’s release as uname does', () => {
    const calls = new Calls(new TestProcess().start(['/p']));
    expect(calls.text('/proc/mounts')).toContain('tmpfs /tmp tmpfs rw,relatime 0 0\n');
    expect(calls.text('/proc/sys/kernel/osrelease')).toBe('6.6.0\n');
    expect(calls.text('/proc/cpuinfo')).toContain('isa\t\t: rv64imafdc');
    expect(calls.text('/proc/meminfo')).toMatch(/^MemTotal: +\d+ kB\n/);
  });

  test('opens a descriptor’s file once more, at its start', () => {
    const calls = new Calls(new TestProcess().start(['/p'])).file('/tmp/a', 'hello');
    const fd = calls.open('/tmp/a');
    calls.read(fd, 2);
    expect(calls.text(`/proc/self/fd/${fd}`)).toBe('hello');
    expect(calls.do('readlinkat', AT_FDCWD, `/proc/self/fd/${fd}`, OUT, 100)).toBe(6);
    calls.do('unlinkat', AT_FDCWD, '/tmp/a', 0);
    calls.raw('readlinkat', AT_FDCWD, `/proc/self/fd/${fd}`, OUT, 100);
    expect(calls.process.space.readString(OUT).text).toBe('/tmp/a (deleted)');
  });

  test('cannot be changed', () => {
    const calls = new Calls(new TestProcess().start(['/p']));
    expect(calls.do('mkdirat', AT_FDCWD, '/proc/x', 0o755)).toBe('EACCES');
    expect(calls.do('openat', AT_FDCWD, '/proc/self/comm', O.WRONLY, 0)).toBe('EACCES');
    expect(calls.do('unlinkat', AT_FDCWD, '/proc/self/comm', 0)).toBe('EACCES');
  });
});

describe('locks', () => {
  const flock = (calls: Calls, type: number, start: number, length: number): number => {
    const { space } = calls.process;
    space.write(OUT, new Uint8Array(32));
    space.writeU16(OUT, type);
    space.writeU64(OUT + 8, start);
    space.writeU64(OUT + 16, length);
    return OUT;
  };

  test('of a process are never in its own way; those of open files are', () => {
    const calls = new Calls().file('/tmp/a', 'x');
    const one = calls.open('/tmp/a', O.RDWR);
    const two = calls.open('/tmp/a', O.RDWR);
    const [SETLK, OFD_GETLK, OFD_SETLK] = [6, 36, 37];
    expect(calls.do('fcntl', one, SETLK, flock(calls, 1, 0, 10))).toBe(0);
    expect(calls.do('fcntl', two, SETLK, flock(calls, 1, 0, 10))).toBe(0);
    expect(calls.do('fcntl', one, OFD_SETLK, flock(calls, 1, 0, 0))).toBe('EAGAIN');
    calls.raw('close', two);
    // A closed descriptor takes the process's locks with it (fcntl(2)).
    expect(calls.do('fcntl', one, OFD_SETLK, flock(calls, 1, 0, 0))).toBe(0);
    const three = calls.open('/tmp/a', O.RDWR);
    expect(calls.do('fcntl', three, OFD_GETLK, flock(calls, 0, 5, 1))).toBe(0);
    expect(calls.process.space.readU16(OUT)).toBe(1);
  });

  test('of whole files belong to the open file', () => {
    const calls = new Calls().file('/tmp/a', 'x');
    const [one, two] = [calls.open('/tmp/a'), calls.open('/tmp/a')];
    expect(calls.do('flock', one, 2)).toBe(0);
    expect(calls.do('flock', two, 1 | 4)).toBe('EAGAIN');
    expect(calls.do('flock', one, 1)).toBe(0);
    expect(calls.do('flock', two, 1 | 4)).toBe(0);
    calls.raw('close', one);
    expect(calls.do('flock', two, 2 | 4)).toBe(0);
    expect(calls.do('flock', two, 16)).toBe('EINVAL');
  });
});

describe('a mapping of a file', () => {
  const MAP = { shared: 1, private: 2 };

  test('that is shared shows the file and changes it', () => {
    const calls = new Calls(new TestProcess().start(['/p'])).file('/tmp/a', 'hello world');
    const fd = calls.open('/tmp/a', O.RDWR);
    const at = calls.raw('mmap', 0, 4096, 3, MAP.shared, fd, 0);
    calls.process.space.write(at, Buffer.from('HELLO'));
    expect(calls.text('/tmp/a')).toBe('HELLO world');
    calls.write(fd, 'J');
    expect(calls.process.space.readString(at).text).toBe('JELLO world');
    calls.process.space.write(at + 6, Buffer.from('W'));
    expect(calls.do('msync', at, 4096, 4)).toBe(0);
    calls.raw('close', fd);
    calls.process.space.write(at + 7, Buffer.from('O'));
    expect(calls.do('munmap', at, 4096)).toBe(0);
    expect(calls.text('/tmp/a')).toBe('JELLO WOrld');
  });

  test('that is shared shows what is stored through another one at once', () => {
    const calls = new Calls(new TestProcess().start(['/p'])).file('/tmp/a', 'hello world');
    const { space } = calls.process;
    const writer = calls.raw('mmap', 0, 8192, 3, MAP.shared, calls.open('/tmp/a', O.RDWR), 0);
    const reader = calls.raw('mmap', 0, 8192, 1, MAP.shared, calls.open('/tmp/a'), 0);
    space.write(writer, Buffer.from('HELLO'));
    expect(space.readString(reader).text).toBe('HELLO world');
    expect(calls.do('munmap', writer, 8192)).toBe(0);
    expect(space.readString(reader).text).toBe('HELLO world');
    const again = calls.raw('mmap', 0, 4096, 3, MAP.shared, calls.open('/tmp/a', O.RDWR), 0);
    space.write(again + 6, Buffer.from('WORLD'));
    expect(space.readString(reader).text).toBe('HELLO WORLD');
    expect(calls.text('/tmp/a')).toBe('HELLO WORLD');
  });

  test('that is shared stays so when it is moved, grows or is dropped from memory', () => {
    const text = 'a'.repeat(4096) + 'b'.repeat(4096);
    const calls = new Calls(new TestProcess().start(['/p'])).file('/tmp/a', text);
    const { space } = calls.process;
    const fd = calls.open('/tmp/a', O.RDWR);
    const [MAYMOVE, DONTNEED] = [1, 4];
    const other = calls.raw('mmap', 0, 8192, 3, MAP.shared, fd, 0);
    const first = calls.raw('mmap', 0, 4096, 3, MAP.shared, fd, 0);
    const moved = calls.raw('mremap', first, 4096, 8192, MAYMOVE);
    expect(moved).not.toBe(first);
    space.write(moved, Buffer.from('X'));
    space.write(other + 4096, Buffer.from('Y'));
    expect(space.readU8(other)).toBe('X'.charCodeAt(0));
    expect(space.readU8(moved + 4096)).toBe('Y'.charCodeAt(0));
    expect(calls.do('madvise', moved, 8192, DONTNEED)).toBe(0);
    expect(space.readU8(moved)).toBe('X'.charCodeAt(0));
    expect(calls.raw('mremap', moved, 8192, 4096, 0)).toBe(moved);
    expect(calls.raw('mremap', moved, 4096, 8192, 0)).toBe(moved);
    expect(space.readU8(moved + 4096)).toBe('Y'.charCodeAt(0));
    expect(calls.text('/tmp/a').slice(0, 2)).toBe('Xa');
  });

  test('that is private does not', () => {
    const calls = new Calls(new TestProcess().start(['/p'])).file('/tmp/a', 'hello');
    const at = calls.raw('mmap', 0, 4096, 3, MAP.private, calls.open('/tmp/a'), 0);
    calls.process.space.write(at, Buffer.from('J'));
    expect(calls.text('/tmp/a')).toBe('hello');
  });

  test('asks for what the file is open for', () => {
    const calls = new Calls(new TestProcess().start(['/p'])).file('/tmp/a', 'hello');
    const reader = calls.open('/tmp/a');
    expect(calls.do('mmap', 0, 4096, 3, MAP.shared, reader, 0)).toBe('EACCES');
    expect(calls.do('mmap', 0, 4096, 1, MAP.shared, calls.open('/tmp/a', O.WRONLY), 0)).toBe(
      'EACCES',
    );
    expect(calls.do('mmap', 0, 4096, 1, MAP.private, calls.open('/tmp'), 0)).toBe('ENODEV');
  });
});

test('every mode of a file is of its kind', () => {
  const calls = new Calls();
  calls.do('mknodat', AT_FDCWD, '/tmp/f', 0o010600, 0);
  const kinds: Record<string, number> = {
    '/tmp': 0o040000,
    '/tmp/f': 0o010000,
    '/dev/null': 0o020000,
  };
  for (const [path, kind] of Object.entries(kinds)) {
    expect(calls.stat(path).mode & S_IFMT, path).toBe(kind);
  }
});
