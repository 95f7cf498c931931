import { afterEach, describe, expect, test } from 'vitest';
import { AT_FDCWD, Calls, O, OUT } from './calls';
import { FileTree } from '../../../emulator/linux/files/tree';
import { DATA, endProcesses, TestProcess } from './process';

afterEach(endProcesses);

const [POLLIN, POLLOUT, POLLERR, POLLHUP] = [1, 4, 8, 16];
const [EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD] = [1, 2, 3];
const EPOLLET = 2 ** 31;
const EPOLLONESHOT = 2 ** 30;

/** Two descriptors that a call has written. */
function pair(calls: Calls, name: string, ...args: number[]): [number, number] {
  expect(calls.do(name, ...args, OUT)).toBe(0);
  const { space } = calls.process;
  return [space.readU32(OUT) ?? -1, space.readU32(OUT + 4) ?? -1];
}

function pipe(calls: Calls, flags = 0): [number, number] {
  expect(calls.do('pipe2', OUT, flags)).toBe(0);
  const { space } = calls.process;
  return [space.readU32(OUT) ?? -1, space.readU32(OUT + 4) ?? -1];
}

/** What poll tells at once of one descriptor. */
function poll(calls: Calls, fd: number, events = POLLIN | POLLOUT): number {
  const { space } = calls.process;
  space.writeU32(OUT, fd);
  space.writeU32(OUT + 4, events);
  space.write(OUT + 16, new Uint8Array(16));
  calls.do('ppoll', OUT, 1, OUT + 16, 0, 8);
  return space.readU16(OUT + 6) ?? -1;
}

describe('a pipe', () => {
  test('carries bytes in order, and ends when nobody writes any more', () => {
    const calls = new Calls();
    const [reader, writer] = pipe(calls);
    expect(calls.write(writer, 'abc')).toBe(3);
    calls.write(writer, 'def');
    expect(calls.read(reader, 4)).toBe('abcd');
    expect(poll(calls, reader)).toBe(POLLIN);
    expect(calls.read(reader)).toBe('ef');
    calls.raw('close', writer);
    expect(calls.read(reader)).toBe('');
    expect(poll(calls, reader)).toBe(POLLHUP);
  });

  test('without bytes lets a reader wait, and with O_NONBLOCK says EAGAIN', () => {
    const calls = new Calls();
    const [reader, writer] = pipe(calls);
    expect(calls.process.outcome('read', reader, DATA, 10)).toEqual({
      kind: 'park',
      reason: 'input',
    });
    expect(calls.process.again().kind).toBe('park');
    const other = pipe(calls, O.NONBLOCK);
    expect(calls.read(other[0])).toBe('EAGAIN');
    calls.write(writer, 'x');
    expect(calls.read(reader)).toBe('x');
  });

  test('without readers sends SIGPIPE', () => {
    const calls = new Calls();
    const [reader, writer] = pipe(calls);
    calls.raw('close', reader);
    expect(poll(calls, writer)).toBe(POLLOUT | POLLERR);
    expect(calls.process.outcome('write', writer, DATA, 1)).toEqual({ kind: 'killed', signal: 13 });
  });

  test('takes 64 KiB, and small writes only whole', () => {
    const calls = new Calls();
    const [reader, writer] = pipe(calls, O.NONBLOCK);
    calls.process.space.map(0x2000_0000, 0x2_0000, 3);
    expect(calls.do('write', writer, 0x2000_0000, 0x2_0000)).toBe(65536);
    expect(calls.do('write', writer, 0x2000_0000, 1)).toBe('EAGAIN');
    expect(poll(calls, writer)).toBe(0);
    calls.read(reader, 100);
    expect(calls.do('write', writer, 0x2000_0000, 200)).toBe('EAGAIN');
    expect(calls.do('write', writer, 0x2000_0000, 100)).toBe(100);
  });

  test('stays while any descriptor of an end is open', () => {
    const calls = new Calls();
    const [reader, writer] = pipe(calls);
    const copy = calls.raw('dup', writer);
    calls.raw('close', writer);
    calls.write(copy, 'x');
    expect(calls.read(reader)).toBe('x');
    expect(calls.process.outcome('read', reader, DATA, 10).kind).toBe('park');
  });

  test('that cannot be given descriptors leaves none open', () => {
    const calls = new Calls();
    expect(calls.do('pipe2', 0x5000_0000, 0)).toBe('EFAULT');
    expect(calls.raw('dup', 1)).toBe(3);
    expect(calls.do('pipe2', OUT, 1)).toBe('EINVAL');
  });

  test('with a name waits for its other end', () => {
    const calls = new Calls();
    expect(calls.do('mknodat', AT_FDCWD, '/tmp/f', 0o010600, 0)).toBe(0);
    expect(calls.do('openat', AT_FDCWD, '/tmp/f', O.WRONLY | O.NONBLOCK, 0)).toBe('ENXIO');
    const path = calls.place(['/tmp/f'])[0] ?? 0;
    expect(calls.process.outcome('openat', AT_FDCWD, path, O.RDONLY, 0).kind).toBe('park');
    const both = new Calls();
    both.do('mknodat', AT_FDCWD, '/tmp/f', 0o010600, 0);
    const fd = both.open('/tmp/f', O.RDWR);
    both.write(fd, 'text');
    expect(both.read(both.open('/tmp/f', O.RDONLY))).toBe('text');
  });
});

describe('an eventfd', () => {
  test('counts, and gives the count at once or one by one', () => {
    const calls = new Calls();
    const { space } = calls.process;
    const counter = calls.raw('eventfd2', 3, 0);
    space.writeU64(DATA, 4);
    expect(calls.do('write', counter, DATA, 8)).toBe(8);
    expect(calls.do('read', counter, DATA, 8)).toBe(8);
    expect(calls.process.u64(DATA)).toBe(7);
    expect(calls.process.outcome('read', counter, DATA, 8).kind).toBe('park');
    const semaphore = calls.raw('eventfd2', 2, 1 | O.NONBLOCK);
    const counts = [1, 2, 3].map(() => calls.do('read', semaphore, DATA, 8));
    expect(counts).toEqual([8, 8, 'EAGAIN']);
    expect(calls.do('read', semaphore, DATA, 7)).toBe('EINVAL');
    space.writeU64(DATA, 2n ** 64n - 1n);
    expect(calls.do('write', semaphore, DATA, 8)).toBe('EINVAL');
  });
});

describe('a timerfd', () => {
  const set = (calls: Calls, fd: number, first: number, interval: number): void => {
    const { space } = calls.process;
    [0, interval * 1e6, 0, first * 1e6].forEach((value, i) => space.writeU64(DATA + 8 * i, value));
    expect(calls.do('timerfd_settime', fd, 0, DATA, 0)).toBe(0);
  };

  test('is read when it has expired, as often as that was', () => {
    const calls = new Calls();
    const { clock } = calls.process;
    const fd = calls.raw('timerfd_create', 1, 0);
    set(calls, fd, 100, 50);
    const deadline = clock.milliseconds + 100;
    expect(calls.process.outcome('read', fd, DATA, 8)).toEqual({
      kind: 'park',
      reason: 'input',
      deadline,
    });
    clock.milliseconds += 210;
    expect(poll(calls, fd)).toBe(POLLIN);
    expect(calls.do('read', fd, DATA, 8)).toBe(8);
    expect(calls.process.u64(DATA)).toBe(3);
    expect(calls.do('timerfd_gettime', fd, DATA)).toBe(0);
    expect(calls.process.u64(DATA + 24)).toBe(40e6);
  });

  test('ends a poll', () => {
    const calls = new Calls();
    const { space, clock } = calls.process;
    const fd = calls.raw('timerfd_create', 1, 0);
    set(calls, fd, 30, 0);
    space.writeU32(OUT, fd);
    space.writeU32(OUT + 4, POLLIN);
    const outcome = calls.process.outcome('ppoll', OUT, 1, 0, 0, 8);
    expect(outcome).toEqual({ kind: 'park', reason: 'input', deadline: clock.milliseconds + 30 });
    clock.milliseconds += 30;
    expect(calls.process.again().kind).toBe('done');
    expect(calls.process.result).toBe(1);
  });
});

describe('a signalfd', () => {
  test('gives blocked signals', () => {
    const calls = new Calls();
    const { space } = calls.process;
    space.writeU64(DATA, 1n << 9n);
    calls.do('rt_sigprocmask', 0, DATA, 0, 8);
    const fd = calls.raw('signalfd4', -1, DATA, 8, O.NONBLOCK);
    expect(calls.do('read', fd, OUT, 128)).toBe('EAGAIN');
    calls.do('kill', 1000, 10);
    expect(poll(calls, fd)).toBe(POLLIN);
    expect(calls.do('read', fd, OUT, 128)).toBe(128);
    expect([space.readU32(OUT), space.readU32(OUT + 12)]).toEqual([10, 1000]);
    expect(calls.do('read', fd, OUT, 128)).toBe('EAGAIN');
  });
});

describe('epoll', () => {
  function watch(
    calls: Calls,
    epoll: number,
    fd: number,
    events: number,
    how = EPOLL_CTL_ADD,
  ): number | string {
    calls.process.space.writeU32(DATA, events);
    calls.process.space.writeU64(DATA + 8, 1000 + fd);
    return calls.do('epoll_ctl', epoll, how, fd, DATA);
  }

  /** Events told at once: descriptor and mask. */
  function events(calls: Calls, epoll: number): [number, number][] {
    const count = calls.raw('epoll_pwait', epoll, OUT, 10, 0, 0, 8);
    return Array.from({ length: count }, (_, i) => [
      calls.process.u64(OUT + 16 * i + 8) - 1000,
      calls.process.space.readU32(OUT + 16 * i) ?? 0,
    ]);
  }

  test('tells what is ready as long as it is', () => {
    const calls = new Calls();
    const [reader, writer] = pipe(calls);
    const epoll = calls.raw('epoll_create1', 0);
    expect(watch(calls, epoll, reader, POLLIN)).toBe(0);
    expect(events(calls, epoll)).toEqual([]);
    calls.write(writer, 'ab');
    expect(events(calls, epoll)).toEqual([[reader, POLLIN]]);
    calls.read(reader, 1);
    expect(events(calls, epoll)).toEqual([[reader, POLLIN]]);
    calls.read(reader, 1);
    expect(events(calls, epoll)).toEqual([]);
    calls.raw('close', writer);
    expect(events(calls, epoll)).toEqual([[reader, POLLHUP]]);
  });

  test('tells edges once', () => {
    const calls = new Calls();
    const [reader, writer] = pipe(calls);
    const epoll = calls.raw('epoll_create1', 0);
    watch(calls, epoll, reader, POLLIN + EPOLLET);
    calls.write(writer, 'ab');
    expect(events(calls, epoll)).toEqual([[reader, POLLIN]]);
    calls.read(reader, 1);
    expect(events(calls, epoll)).toEqual([]);
    calls.write(writer, 'c');
    expect(events(calls, epoll)).toEqual([[reader, POLLIN]]);
  });

  test('tells a one-shot until it is armed again', () => {
    const calls = new Calls();
    const counter = calls.raw('eventfd2', 1, 0);
    const epoll = calls.raw('epoll_create1', 0);
    watch(calls, epoll, counter, POLLIN + EPOLLONESHOT);
    expect(events(calls, epoll)).toHaveLength(1);
    expect(events(calls, epoll)).toEqual([]);
    watch(calls, epoll, counter, POLLIN + EPOLLONESHOT, EPOLL_CTL_MOD);
    expect(events(calls, epoll)).toHaveLength(1);
  });

  test('waits until a timer, and gives up in time', () => {
    const calls = new Calls();
    const { clock } = calls.process;
    const epoll = calls.raw('epoll_create1', 0);
    const deadline = clock.milliseconds + 70;
    const park = { kind: 'park', reason: 'input', deadline };
    expect(calls.process.outcome('epoll_pwait', epoll, OUT, 10, 70, 0, 8)).toEqual(park);
    clock.milliseconds += 70;
    expect(calls.process.again().kind).toBe('done');
    expect(calls.process.result).toBe(0);
  });

  test('refuses what makes no sense', () => {
    const calls = new Calls().file('/tmp/a', '');
    const epoll = calls.raw('epoll_create1', 0);
    const other = calls.raw('epoll_create1', 0);
    expect(watch(calls, epoll, calls.open('/tmp/a'), POLLIN)).toBe('EPERM');
    expect(watch(calls, epoll, epoll, POLLIN)).toBe('EINVAL');
    expect(watch(calls, epoll, 77, POLLIN)).toBe('EBADF');
    expect(watch(calls, epoll, 0, POLLIN, EPOLL_CTL_MOD)).toBe('ENOENT');
    expect(watch(calls, epoll, 0, POLLIN)).toBe(0);
    expect(watch(calls, epoll, 0, POLLIN)).toBe('EEXIST');
    expect(watch(calls, epoll, 0, 0, EPOLL_CTL_DEL)).toBe(0);
    expect(watch(calls, epoll, other, POLLIN)).toBe(0);
    expect(watch(calls, other, epoll, POLLIN)).toBe('ELOOP');
    expect(calls.do('epoll_pwait', epoll, OUT, 0, 0, 0, 8)).toBe('EINVAL');
    expect(calls.do('epoll_pwait', epoll, 0x5000_0000, 1, 0, 0, 8)).toBe('EFAULT');
    expect(calls.do('epoll_pwait', 0, OUT, 1, 0, 0, 8)).toBe('EINVAL');
  });

  test('forgets files that are closed', () => {
    const calls = new Calls();
    const counter = calls.raw('eventfd2', 1, 0);
    const epoll = calls.raw('epoll_create1', 0);
    watch(calls, epoll, counter, POLLIN);
    calls.raw('close', counter);
    expect(events(calls, epoll)).toEqual([]);
  });
});

describe('what the kernel keeps for a guest', () => {
  /** Of /tmp, with which it shares its memory. */
  function freeBlocks(calls: Calls): number {
    expect(calls.do('statfs', '/tmp', OUT)).toBe(0);
    return calls.process.u64(OUT + 24);
  }

  test('takes of the memory for files, and gives it back', () => {
    const calls = new Calls();
    const before = freeBlocks(calls);
    const [reader, writer] = pipe(calls);
    const [one, two] = pair(calls, 'socketpair', 1, 1, 0);
    calls.raw('write', writer, DATA, 8192);
    calls.raw('write', one, DATA, 8192);
    expect(freeBlocks(calls)).toBeLessThan(before - 3);
    for (const fd of [reader, writer, one, two]) calls.raw('close', fd);
    expect(freeBlocks(calls)).toBe(before);
  });

  test('is refused when that is used up, but for one write at a time', () => {
    const process = new TestProcess({ files: new FileTree({ fileBytes: 64 * 1024 }) });
    const calls = new Calls(process);
    const [reader, writer] = pipe(calls, O.NONBLOCK);
    const [one] = pair(calls, 'socketpair', 1, 1 | O.NONBLOCK, 0);
    expect(calls.raw('write', writer, DATA, 65536)).toBeLessThan(64 * 1024 - 16_000);
    expect(calls.do('write', writer, DATA, 1)).toBe('EAGAIN');
    expect(calls.do('write', one, DATA, 100)).toBe(100);
    expect(calls.do('write', one, DATA, 100)).toBe('EAGAIN');
    calls.process.space.writeU32(DATA, POLLIN);
    expect(calls.do('epoll_ctl', calls.raw('epoll_create1', 0), 1, one, DATA)).toBe('ENOSPC');
    calls.raw('read', reader, OUT, 4096);
    expect(calls.raw('write', writer, DATA, 1)).toBe(1);
  });

  test('is what small messages take, not only their bytes', () => {
    const calls = new Calls();
    const [one, two] = pair(calls, 'socketpair', 1, 5 | O.NONBLOCK, 0);
    let sent = 0;
    while (calls.raw('sendto', one, DATA, 0, 0, 0, 0) === 0 && sent < 1000) sent += 1;
    expect(sent).toBeLessThan(300);
    calls.raw('recvfrom', two, OUT, 1, 0, 0, 0);
    expect(calls.do('sendto', one, DATA, 0, 0, 0, 0)).toBe(0);
  });
});

describe('a socket pair', () => {
  test('carries bytes both ways, and ends', () => {
    const calls = new Calls();
    const [one, two] = pair(calls, 'socketpair', 1, 1, 0);
    calls.write(one, 'there');
    calls.write(two, 'back');
    expect([calls.read(two, 3), calls.read(two), calls.read(one)]).toEqual(['the', 're', 'back']);
    expect(calls.do('shutdown', one, 1)).toBe(0);
    expect(calls.read(two)).toBe('');
    calls.write(two, 'still');
    expect(calls.read(one)).toBe('still');
  });

  test('of datagrams keeps messages apart', () => {
    const calls = new Calls();
    const [one, two] = pair(calls, 'socketpair', 1, 2, 0);
    calls.write(one, 'first message');
    calls.write(one, 'second');
    expect([calls.read(two, 5), calls.read(two)]).toEqual(['first', 'second']);
    expect(calls.do('recvfrom', two, OUT, 10, 0x40, 0, 0)).toBe('EAGAIN');
  });

  test('passes open files', () => {
    const calls = new Calls().file('/tmp/a', 'from the file');
    const { space } = calls.process;
    const [one, two] = pair(calls, 'socketpair', 1, 1, 0);
    const file = calls.open('/tmp/a');
    const [header, iov, control] = [DATA, DATA + 0x100, DATA + 0x200];
    space.writeU64(iov, calls.process.text('x', DATA + 0x300));
    space.writeU64(iov + 8, 1);
    [0, 0, iov, 1, control, 24, 0].forEach((value, i) => space.writeU64(header + 8 * i, value));
    space.writeU64(control, 20);
    space.writeU32(control + 8, 1);
    space.writeU32(control + 12, 1);
    space.writeU32(control + 16, file);
    expect(calls.do('sendmsg', one, header, 0)).toBe(1);
    calls.raw('close', file);
    space.writeU64(header + 40, 24);
    expect(calls.do('recvmsg', two, header, 0)).toBe(1);
    const passed = space.readU32(control + 16) ?? -1;
    expect(calls.read(passed)).toBe('from the file');
  });

  test('is all there is of networks', () => {
    const calls = new Calls();
    expect(calls.do('socket', 2, 1, 0)).toBe('EAFNOSUPPORT');
    expect(calls.do('socketpair', 2, 1, 0, OUT)).toBe('EAFNOSUPPORT');
    const lone = calls.raw('socket', 1, 1, 0);
    expect(calls.do('connect', lone, DATA, 16)).toBe('ENOENT');
    expect(calls.do('bind', lone, DATA, 16)).toBe('EACCES');
    expect(calls.do('getpeername', lone, DATA, DATA + 64)).toBe('ENOTCONN');
    expect(calls.do('getsockopt', 1, 1, 3, DATA, DATA + 64)).toBe('ENOTSOCK');
  });
});

describe('moving bytes between files', () => {
  test('with sendfile, copy_file_range and splice', () => {
    const calls = new Calls().file('/tmp/a', 'hello world').file('/tmp/b', '');
    const from = calls.open('/tmp/a');
    const to = calls.open('/tmp/b', O.RDWR);
    expect(calls.do('sendfile', to, from, 0, 5)).toBe(5);
    calls.process.space.writeU64(DATA, 6);
    expect(calls.do('copy_file_range', from, DATA, to, 0, 100, 0)).toBe(5);
    expect(calls.process.u64(DATA)).toBe(11);
    expect(calls.text('/tmp/b')).toBe('helloworld');
    const [reader, writer] = pipe(calls);
    expect(calls.do('splice', from, 0, writer, 0, 100, 0)).toBe(6);
    expect(calls.do('splice', reader, 0, to, 0, 100, 0)).toBe(6);
    expect(calls.text('/tmp/b')).toBe('helloworld world');
    expect(calls.do('splice', from, 0, to, 0, 1, 0)).toBe('EINVAL');
    expect(calls.do('sendfile', to, reader, 0, 1)).toBe('EINVAL');
    expect(calls.do('sendfile', from, to, 0, 1)).toBe('EBADF');
  });
});
