import { renameSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ERRNO, errnoName } from '../../../emulator/linux/abi/errno';
import { AT_FDCWD, contentOf, HostFolders, open, SECRET } from './host-folders';
import { DATA, endProcesses, type TestProcess } from './process';

/*
 * Ways out of the sandbox, each of which must be refused. After every one the folder outside is as it was,
 * and so is the one that is granted for reading.
 */

const [O_WRONLY, O_RDWR, O_CREAT, O_TRUNC] = [1, 2, 0o100, 0o1000];
const [O_DIRECTORY, O_NOFOLLOW, O_PATH] = [0o200000, 0o400000, 0o10000000];
const SECOND = DATA + 0x2000;

let host: HostFolders;
let process: TestProcess;
let before: object;

beforeEach(() => {
  host = new HostFolders();
  process = host.process();
  before = { outside: host.outside(), readonly: host.readonly() };
});

afterEach(() => {
  endProcesses();
  const after = { outside: host.outside(), readonly: host.readonly() };
  host.dispose();
  expect(after).toEqual(before);
});

/** A call with one path. */
const call = (name: string, ...args: (number | string)[]): number =>
  process.call(
    name,
    ...args.map((value, index) =>
      typeof value === 'string' ? process.text(value, SECOND + 0x400 * index) : value,
    ),
  );

const error = (result: number): string => (result < 0 ? errnoName(-result) : `${result}: done`);

describe('reading what is outside', () => {
  const paths: (string | (() => string))[] = [
    '/granted/../outside/secret.txt',
    '/granted/../../outside/secret.txt',
    '/granted/sub/../../outside/secret.txt',
    '/granted/sub/deep/../../../outside/secret.txt',
    '/granted//sub//..//..//outside//secret.txt',
    '/granted/./.././outside/secret.txt',
    '/../../../../outside/secret.txt',
    () => host.secret,
    () => `/granted/../../../../../..${host.secret}`,
    () => `/granted/${'../'.repeat(200)}${host.secret}`,
    '/granted/absolute',
    '/granted/up',
    '/granted/chain',
    '/granted/sub/up',
    '/granted/directory/secret.txt',
    '/granted/directory/../outside/secret.txt',
    '/granted/process',
    '/readonly/up',
    () => `/granted/root${host.secret}`,
    '/proc/self/root/../../outside/secret.txt',
    () => `/proc/self/root${host.secret}`,
    '/proc/self/cwd/../../outside/secret.txt',
    () => `/proc/1/root${host.secret}`,
    () => `/proc/${globalThis.process.pid}/root${host.secret}`,
    () => `/proc/${globalThis.process.pid}/cwd/package.json`,
    '/proc/self/task/1000/root/../../outside/secret.txt',
    '/proc/self/exe/../../outside/secret.txt',
    '/dev/fd/../../outside/secret.txt',
    '/proc/self/fd/../../../outside/secret.txt',
  ];

  test.each(paths.map((path) => [typeof path === 'string' ? path : String(path), path] as const))(
    'by the path %s',
    (_, path) => {
      const text = typeof path === 'string' ? path : path();
      expect(open(process, text)).toBeLessThan(0);
      expect(contentOf(process, text)).toBe('');
      expect(call('faccessat', AT_FDCWD, text, 0)).toBeLessThan(0);
    },
  );

  test('from an open folder: .. stays inside', () => {
    const folder = open(process, '/granted', O_DIRECTORY);
    expect(contentOf(process, '../outside/secret.txt', folder)).toBe('');
    expect(contentOf(process, '../../outside/secret.txt', folder)).toBe('');
    expect(contentOf(process, `/proc/self/fd/${folder}/../outside/secret.txt`)).toBe('');
  });

  test('from the current folder after fchdir and chdir ..', () => {
    call('fchdir', open(process, '/granted/sub', O_DIRECTORY));
    for (let i = 0; i < 10; i++) {
      expect(contentOf(process, 'outside/secret.txt')).toBe('');
      expect(contentOf(process, '../outside/secret.txt')).toBe('');
      expect(call('chdir', '..')).toBe(0);
    }
    expect(process.call('getcwd', DATA, 100)).toBe(2);
  });

  test('through a link that the guest makes itself', () => {
    const targets = ['../outside/secret.txt', host.secret, '/granted/../../outside/secret.txt'];
    for (const [index, target] of targets.entries()) {
      expect(call('symlinkat', target, AT_FDCWD, `/granted/mine${index}`)).toBe(0);
      expect(contentOf(process, `/granted/mine${index}`)).toBe('');
      expect(call('symlinkat', target, AT_FDCWD, `/tmp/mine${index}`)).toBe(0);
      expect(contentOf(process, `/tmp/mine${index}`)).toBe('');
    }
  });

  test('through a descriptor of a link itself (O_PATH, O_NOFOLLOW)', () => {
    const link = open(process, '/granted/up', O_PATH | O_NOFOLLOW);
    expect(link).toBeGreaterThan(0);
    expect(error(process.call('read', link, DATA, 10))).toBe('EBADF');
    expect(contentOf(process, `/proc/self/fd/${link}`)).toBe('');
    expect(contentOf(process, 'x', link)).toBe('');
    expect(error(open(process, '/granted/up', O_NOFOLLOW))).toBe('ELOOP');
  });

  test('by a number of a descriptor that the host has open', () => {
    for (let fd = 3; fd < 100; fd++) {
      expect(open(process, `/proc/self/fd/${fd}`)).toBeLessThan(0);
      expect(process.call('read', fd, DATA, 1)).toBe(-ERRNO.EBADF);
    }
  });

  test('with openat2 in any scope', () => {
    const folder = open(process, '/granted', O_DIRECTORY);
    for (const resolve of [0, 1, 2, 4, 8, 16]) {
      for (const path of ['../outside/secret.txt', 'up', 'absolute', 'directory/secret.txt']) {
        process.space.writeU64(DATA, 0);
        process.space.writeU64(DATA + 8, 0);
        process.space.writeU64(DATA + 16, resolve);
        const text = process.text(path, SECOND);
        expect(process.call('openat2', folder, text, DATA, 24)).toBeLessThan(0);
      }
    }
  });

  test('with stat, readlink and access: nothing of it is told', () => {
    for (const path of ['/granted/up', '/granted/directory/secret.txt', host.secret]) {
      expect(error(call('newfstatat', AT_FDCWD, path, DATA, 0))).toBe('ENOENT');
      expect(error(call('statx', AT_FDCWD, path, 0, 0x7ff, DATA))).toBe('ENOENT');
      expect(error(call('statfs', path, DATA))).toBe('ENOENT');
    }
  });

  test('by listing: neither .. nor a link shows the folder outside', () => {
    expect(open(process, '/granted/directory', O_DIRECTORY)).toBe(-ERRNO.ENOENT);
    const above = open(process, '/granted/..', O_DIRECTORY);
    const count = process.call('getdents64', above, DATA, 4096);
    expect(Buffer.from(process.bytes(DATA, count)).toString('latin1')).not.toContain('outside');
  });
});

describe('changing what is outside', () => {
  test('by creating a file through a link that dangles', () => {
    expect(error(open(process, '/granted/dangling', O_WRONLY | O_CREAT))).toBe('ENOENT');
    expect(error(call('mkdirat', AT_FDCWD, '/granted/dangling', 0o755))).toBe('EEXIST');
  });

  test('by writing or cutting through links', () => {
    for (const path of ['/granted/up', '/granted/absolute', '/granted/directory/secret.txt']) {
      expect(open(process, path, O_RDWR)).toBeLessThan(0);
      expect(open(process, path, O_WRONLY | O_TRUNC)).toBeLessThan(0);
      expect(call('truncate', path, 0)).toBeLessThan(0);
    }
  });

  test('by making directories, links and nodes there', () => {
    for (const folder of ['/granted/directory', '/granted/../outside', '/granted/../../outside']) {
      expect(call('mkdirat', AT_FDCWD, `${folder}/new`, 0o755)).toBeLessThan(0);
      expect(call('symlinkat', 'x', AT_FDCWD, `${folder}/new`)).toBeLessThan(0);
      expect(call('mknodat', AT_FDCWD, `${folder}/new`, 0o100644, 0)).toBeLessThan(0);
    }
  });

  test('by removing through links', () => {
    expect(call('unlinkat', AT_FDCWD, '/granted/directory/secret.txt', 0)).toBeLessThan(0);
    expect(call('unlinkat', AT_FDCWD, '/granted/directory/dir', 0x200)).toBeLessThan(0);
    expect(error(call('unlinkat', AT_FDCWD, '/granted/directory', 0x200))).toBe('ENOTDIR');
  });

  test('by renaming from there or to there', () => {
    const moves = [
      ['/granted/../outside/secret.txt', '/granted/stolen'],
      ['/granted/directory/secret.txt', '/granted/stolen'],
      ['/granted/file.txt', '/granted/directory/file.txt'],
      ['/granted/file.txt', '/granted/../outside/file.txt'],
      ['/granted/sub', '/granted/../../outside/sub'],
    ];
    for (const [from = '', to = ''] of moves) {
      const result = call('renameat2', AT_FDCWD, from, AT_FDCWD, to, 0);
      // `/granted/..` is the guest's root: a move there is one to another file system.
      expect(['ENOENT', 'EXDEV']).toContain(error(result));
    }
  });

  test('by exchanging a link with a file', () => {
    const result = call('renameat2', AT_FDCWD, '/granted/up', AT_FDCWD, '/granted/file.txt', 2);
    expect(error(result)).toBe('EINVAL');
  });

  test('by a hard link to a link, to what it leads to, or across file systems', () => {
    const link = (from: string, to: string, flags: number): string =>
      error(call('linkat', AT_FDCWD, from, AT_FDCWD, to, flags));
    expect(link('/granted/up', '/granted/hard', 0)).toBe('EXDEV');
    expect(link('/granted/up', '/granted/hard', 0x400)).toBe('ENOENT');
    expect(link('/granted/../outside/secret.txt', '/granted/hard', 0)).toBe('ENOENT');
    expect(link('/granted/file.txt', '/tmp/hard', 0)).toBe('EXDEV');
    expect(link('/readonly/file.txt', '/granted/hard', 0)).toBe('EXDEV');
  });

  test('by changing permissions, owner or times through links', () => {
    expect(call('fchmodat', AT_FDCWD, '/granted/up', 0o777)).toBeLessThan(0);
    expect(call('fchownat', AT_FDCWD, '/granted/up', 1000, 1000, 0)).toBeLessThan(0);
    expect(call('utimensat', AT_FDCWD, '/granted/up', 0, 0)).toBeLessThan(0);
  });

  test('by moving or removing the granted folder itself', () => {
    const rename = call('renameat2', AT_FDCWD, '/granted', AT_FDCWD, '/other', 0);
    expect(['EBUSY', 'EXDEV']).toContain(error(rename));
    expect(error(call('unlinkat', AT_FDCWD, '/granted', 0x200))).toBe('EBUSY');
    expect(error(call('renameat2', AT_FDCWD, '/granted/.', AT_FDCWD, '/granted/x', 0))).toBe(
      'EBUSY',
    );
    expect(error(call('renameat2', AT_FDCWD, '/granted/sub', AT_FDCWD, '/granted/..', 0))).toBe(
      'EBUSY',
    );
  });
});

describe('changing what is granted for reading', () => {
  const attempts: Record<string, () => number> = {
    'open for writing': () => open(process, '/readonly/file.txt', O_WRONLY),
    'open for reading and writing': () => open(process, '/readonly/file.txt', O_RDWR),
    'cut while opening for reading': () => open(process, '/readonly/file.txt', O_TRUNC),
    'create a file': () => open(process, '/readonly/new', O_CREAT | O_WRONLY),
    'make a directory': () => call('mkdirat', AT_FDCWD, '/readonly/new', 0o755),
    'make a link': () => call('symlinkat', 'x', AT_FDCWD, '/readonly/new'),
    'make a hard link': () =>
      call('linkat', AT_FDCWD, '/readonly/file.txt', AT_FDCWD, '/readonly/new', 0),
    'make a node': () => call('mknodat', AT_FDCWD, '/readonly/new', 0o100644, 0),
    'remove a file': () => call('unlinkat', AT_FDCWD, '/readonly/file.txt', 0),
    'remove a directory': () => call('unlinkat', AT_FDCWD, '/readonly/sub', 0x200),
    rename: () => call('renameat2', AT_FDCWD, '/readonly/file.txt', AT_FDCWD, '/readonly/new', 0),
    'cut by its path': () => call('truncate', '/readonly/file.txt', 0),
    'change permissions': () => call('fchmodat', AT_FDCWD, '/readonly/file.txt', 0o777),
    'change the owner': () => call('fchownat', AT_FDCWD, '/readonly/file.txt', 1000, 1000, 0),
    'change the times': () => call('utimensat', AT_FDCWD, '/readonly/file.txt', 0, 0),
    'ask for write access': () => call('faccessat', AT_FDCWD, '/readonly/file.txt', 2),
  };

  test.each(Object.entries(attempts))('%s: EROFS', (_, attempt) => {
    expect(error(attempt())).toBe('EROFS');
  });

  test('through an open descriptor', () => {
    const fd = open(process, '/readonly/file.txt');
    expect(error(process.call('write', fd, DATA, 1))).toBe('EBADF');
    expect(error(process.call('ftruncate', fd, 0))).toBe('EINVAL');
    expect(error(process.call('fallocate', fd, 0, 0, 100))).toBe('EBADF');
    expect(error(process.call('fchmod', fd, 0o777))).toBe('EROFS');
    expect(error(process.call('fcntl', fd, 4, O_RDWR))).toBe('0: done');
    expect(error(process.call('write', fd, DATA, 1))).toBe('EBADF');
  });

  test('by opening a descriptor once more for writing', () => {
    const fd = open(process, '/readonly/file.txt');
    expect(error(open(process, `/proc/self/fd/${fd}`, O_RDWR))).toBe('EROFS');
    const path = open(process, '/readonly/file.txt', O_PATH);
    expect(error(open(process, `/proc/self/fd/${path}`, O_WRONLY))).toBe('EROFS');
  });

  test('by a shared mapping', () => {
    const fd = open(process, '/readonly/file.txt');
    expect(error(process.call('mmap', 0, 4096, 3, 1, fd, 0))).toBe('EACCES');
    const mapped = process.call('mmap', 0, 4096, 1, 1, fd, 0);
    process.call('mprotect', mapped, 4096, 3);
    process.space.poke(mapped, Buffer.from('CHANGED'));
    process.call('msync', mapped, 4096, 4);
    process.call('munmap', mapped, 4096);
    expect(contentOf(process, '/readonly/file.txt')).toBe('inside');
  });
});

describe('special files', () => {
  test('devices cannot be made, in memory or on the host', () => {
    for (const folder of ['/tmp', '/granted']) {
      for (const mode of [0o020666, 0o060666]) {
        expect(error(call('mknodat', AT_FDCWD, `${folder}/device`, mode, 0x103))).toBe('EPERM');
      }
    }
  });

  test('FIFOs and sockets cannot be made on the host', () => {
    expect(error(call('mknodat', AT_FDCWD, '/granted/f', 0o010644, 0))).toBe('EPERM');
    expect(error(call('mknodat', AT_FDCWD, '/granted/s', 0o140644, 0))).toBe('EPERM');
  });

  test('a FIFO of the host is seen, and neither opened nor waited for', () => {
    expect(call('newfstatat', AT_FDCWD, '/granted/fifo', DATA, 0)).toBe(0);
    for (const flags of [0, O_WRONLY, O_RDWR]) {
      expect(error(open(process, '/granted/fifo', flags))).toBe('EACCES');
    }
  });

  test('a device of the host is not opened', () => {
    const grants = [{ hostPath: '/dev', guestPath: '/host', writable: true }];
    const other = host.process(grants);
    expect(error(open(other, '/host/null'))).toBe('EACCES');
    expect(error(open(other, '/host/zero', O_RDWR))).toBe('EACCES');
  });

  test('set-user-ID and set-group-ID never reach the host', () => {
    expect(call('fchmodat', AT_FDCWD, '/granted/file.txt', 0o6755)).toBe(0);
    expect(statSync(host.at('granted/file.txt')).mode & 0o7777).toBe(0o755);
    const fd = process.call('openat', AT_FDCWD, process.text('/granted/new'), O_CREAT | 1, 0o6777);
    expect(fd).toBeGreaterThan(0);
    expect(statSync(host.at('granted/new')).mode & 0o6000).toBe(0);
    expect(call('mkdirat', AT_FDCWD, '/granted/folder', 0o2777)).toBe(0);
    expect(statSync(host.at('granted/folder')).mode & 0o6000).toBe(0);
  });
});

describe('a race with somebody on the host', () => {
  test('who puts a link in the place of an open folder', () => {
    const folder = open(process, '/granted/sub', O_DIRECTORY);
    renameSync(host.at('granted/sub'), host.at('granted/moved'));
    symlinkSync('../outside', host.at('granted/sub'));
    expect(contentOf(process, 'secret.txt', folder)).toBe('');
    expect(contentOf(process, '/granted/sub/secret.txt')).toBe('');
    expect(contentOf(process, 'inner.txt', folder)).toBe('inside');
  });

  test('who puts a link in the place of the current folder', () => {
    call('chdir', '/granted/sub/deep');
    renameSync(host.at('granted/sub'), host.at('granted/moved'));
    symlinkSync('../outside', host.at('granted/sub'));
    expect(contentOf(process, '../secret.txt')).toBe('');
    expect(contentOf(process, '../../sub/secret.txt')).toBe('');
  });

  test('who puts a link in the place of a file between look-up and use', () => {
    const node = process.kernel.files.existing(AT_FDCWD, '/granted/file.txt');
    unlinkSync(host.at('granted/file.txt'));
    symlinkSync('../outside/secret.txt', host.at('granted/file.txt'));
    const refused = /cannot be used in the sandbox|the host says/;
    expect(() => process.kernel.files.openNode(node, 0, () => 'x')).toThrow(refused);
    expect(() => process.kernel.files.openNode(node, O_RDWR | O_TRUNC, () => 'x')).toThrow(refused);
    expect(() => node.truncate(0)).toThrow(refused);
    expect(() => node.setMode(0o777)).toThrow(refused);
    expect(() => node.setTimes({ access: 0n, modify: 0n })).toThrow(refused);
  });

  test('who puts a FIFO in the place of a file', () => {
    const node = process.kernel.files.existing(AT_FDCWD, '/granted/file.txt');
    rmSync(host.at('granted/file.txt'));
    renameSync(host.at('granted/fifo'), host.at('granted/file.txt'));
    expect(() => process.kernel.files.openNode(node, 0, () => 'x')).toThrow(/cannot be used/);
  });

  test('who exchanges a folder and a link all the time', async () => {
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
      const { folder, aside } = workerData;
      parentPort.postMessage('begun');
      for (let i = 0; i < 3000; i++) {
        renameSync(folder, aside);
        symlinkSync('../outside', folder);
        unlinkSync(folder);
        renameSync(aside, folder);
      }
      parentPort.postMessage('done');
    `;
    const workerData = { folder: host.at('granted/sub'), aside: host.at('granted/aside') };
    const worker = new Worker(code, { eval: true, workerData });
    let done = false;
    const seen = new Set<string>();
    await new Promise<void>((resolve, reject) => {
      worker.on('error', reject);
      worker.on('message', (message) => {
        if (message === 'begun') return resolve();
        done = true;
      });
    });
    while (!done) {
      for (let i = 0; i < 50; i++) {
        seen.add(contentOf(process, '/granted/sub/secret.txt'));
        seen.add(contentOf(process, '/granted/sub/../sub/up'));
        open(process, '/granted/sub/created', O_CREAT | O_WRONLY);
        process.call('close_range', 3, 1000, 0);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await worker.terminate();
    expect([...seen]).toEqual(['']);
  });
});

describe('calls that reach beyond files', () => {
  const names = [
    ['mount', 'pivot_root', 'umount2', 'open_by_handle_at', 'name_to_handle_at', 'open_tree'],
    ['fsopen', 'fsmount', 'move_mount', 'setns', 'unshare', 'ptrace', 'process_vm_readv'],
    ['process_vm_writev', 'io_uring_setup', 'bpf', 'perf_event_open', 'init_module'],
    ['finit_module', 'kexec_load', 'swapon', 'quotactl', 'fanotify_init', 'userfaultfd'],
    ['keyctl', 'reboot', 'sethostname', 'acct', 'syslog', 'shmget', 'msgget', 'semget', 'mq_open'],
    ['pidfd_getfd', 'kcmp', 'io_setup'],
  ].flat();

  test.each(names.map((name) => [name]))('%s does nothing', (name) => {
    const folder = open(process, '/granted', O_DIRECTORY);
    const path = process.text('/granted/file.txt', SECOND);
    expect(process.call(name, path, path, folder, DATA, DATA)).toBeLessThan(0);
  });

  test('chroot is EPERM', () => {
    expect(error(call('chroot', '/granted'))).toBe('EPERM');
  });

  test('the guest does not become root', () => {
    expect(error(process.call('setuid', 0))).toBe('EPERM');
    expect(error(process.call('setresuid', 0, 0, 0))).toBe('EPERM');
  });

  test('the network is off', () => {
    for (const family of [2, 10, 16, 17]) {
      expect(['EAFNOSUPPORT', 'EACCES', 'ENOSYS']).toContain(
        error(process.call('socket', family, 1, 0)),
      );
    }
  });
});

describe('a grant', () => {
  test('is refused when its folder is none, or lies at a strange place in the guest', () => {
    const grant = (hostPath: string, guestPath: string) => () =>
      host.process([{ hostPath, guestPath, writable: false }]);
    expect(grant(host.at('absent'), '/x')).toThrow();
    expect(grant(host.at('outside/secret.txt'), '/x')).toThrow(/no folder/);
    expect(grant(host.at('granted'), '/x/../y')).toThrow(/nothing can be mounted/);
  });

  test('of a folder as the root shows its own /tmp and /proc, not the host’s', () => {
    const root = host.process([{ hostPath: host.base, guestPath: '/', writable: true }]);
    expect(contentOf(root, '/outside/secret.txt')).toBe(SECRET);
    writeFileSync(`${tmpdir()}/hartscope-escape-${globalThis.process.pid}`, 'host');
    expect(contentOf(root, `/tmp/hartscope-escape-${globalThis.process.pid}`)).toBe('');
    rmSync(`${tmpdir()}/hartscope-escape-${globalThis.process.pid}`);
    expect(contentOf(root, '/../../../../etc/passwd')).toBe('');
    expect(contentOf(root, '/granted/absolute')).toBe('');
    expect(contentOf(root, '/granted/up')).toBe(SECRET);
  });

  test('of two folders keeps them apart', () => {
    expect(
      error(call('renameat2', AT_FDCWD, '/granted/file.txt', AT_FDCWD, '/readonly/x', 0)),
    ).toBe('EXDEV');
    expect(error(call('renameat2', AT_FDCWD, '/granted/file.txt', AT_FDCWD, '/tmp/x', 0))).toBe(
      'EXDEV',
    );
  });

  test('hides which user the files belong to', () => {
    expect(call('newfstatat', AT_FDCWD, '/granted/file.txt', DATA, 0)).toBe(0);
    expect([process.space.readU32(DATA + 24), process.space.readU32(DATA + 28)]).toEqual([
      1000, 1000,
    ]);
  });
});
