import { ERRNO } from '../abi/errno';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import { toMilliseconds } from '../clock';
import { EpollFile } from '../files/epoll';
import { EventFile, SignalFile, TimerFile } from '../files/event-files';
import { O_CLOEXEC, O_NONBLOCK } from '../files/open-file';
import { RegularFile } from '../files/regular-file';
import { waitReady } from './poll';
import { encodeTimespec, fixedDeadline, readTimespec } from './time';

const EFD_SEMAPHORE = 1;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
/** `struct epoll_event` of riscv64: events u32, 4 bytes, data u64. */
const EPOLL_EVENT_BYTES = 16;
const MAX_EVENTS = Math.floor(0x7fff_ffff / EPOLL_EVENT_BYTES);
/** Most events that one call answers here. */
const EVENTS_AT_ONCE = 4096;

const CLOCK_REALTIME = 0;
/** MONOTONIC, BOOTTIME and the clocks that would wake a machine. */
const MONOTONIC_CLOCKS: readonly number[] = [1, 7, 9];
const REALTIME_CLOCKS: readonly number[] = [CLOCK_REALTIME, 8];
const TFD_TIMER_ABSTIME = 1;
const TFD_TIMER_CANCEL_ON_SET = 2;

function add(
  call: Call,
  flags: number,
  file: EventFile | TimerFile | SignalFile | EpollFile,
): number {
  return call.kernel.descriptors.add(file, (flags & O_CLOEXEC) !== 0);
}

function eventfd2(call: Call): SyscallResult {
  const flags = call.uint(1);
  if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) return -ERRNO.EINVAL;
  const semaphore = (flags & EFD_SEMAPHORE) !== 0;
  return add(call, flags, new EventFile(BigInt(call.uint(0)), semaphore, flags & O_NONBLOCK));
}

function signalfd4(call: Call): SyscallResult {
  const { descriptors, memory, signals } = call.kernel;
  const flags = call.uint(3);
  if (flags & ~(O_CLOEXEC | O_NONBLOCK) || call.number(2) !== 8) return -ERRNO.EINVAL;
  const mask = memory.u64(call.number(1));
  const fd = call.int(0);
  if (fd !== -1) {
    const file = descriptors.file(fd);
    if (!(file instanceof SignalFile)) return -ERRNO.EINVAL;
    file.mask = mask;
    return fd;
  }
  // Signals of the process: its first thread has them.
  const thread = call.kernel.findThread(call.kernel.pid) ?? call.thread;
  const source = {
    pending: (set: bigint) => signals.pending(thread) & set,
    take: (set: bigint) => signals.take(thread, set)?.bytes,
  };
  return add(call, flags, new SignalFile(mask, source, flags & O_NONBLOCK));
}

function timerfdCreate(call: Call): SyscallResult {
  const { clock } = call.kernel;
  const [id, flags] = [call.int(0), call.uint(1)];
  if (flags & ~(O_CLOEXEC | O_NONBLOCK)) return -ERRNO.EINVAL;
  if (MONOTONIC_CLOCKS.includes(id)) {
    return add(
      call,
      flags,
      new TimerFile(() => clock.monotonic(), toMilliseconds, flags & O_NONBLOCK),
    );
  }
  if (!REALTIME_CLOCKS.includes(id)) return -ERRNO.EINVAL;
  const monotonic = (time: bigint): number =>
    toMilliseconds(time - clock.realtime() + clock.monotonic());
  return add(call, flags, new TimerFile(() => clock.realtime(), monotonic, flags & O_NONBLOCK));
}

function timerFile(call: Call): TimerFile {
  const file = call.kernel.descriptors.file(call.int(0));
  if (file instanceof TimerFile) return file;
  throw new SyscallError(ERRNO.EINVAL, 'the descriptor is no timer');
}

/** Writes `struct itimerspec`: the interval, then what is left. */
function putSetting(call: Call, address: number, file: TimerFile): void {
  const { value, interval } = file.setting;
  call.kernel.memory.write(address, encodeTimespec(interval));
  call.kernel.memory.write(address + 16, encodeTimespec(value));
}

function timerfdSettime(call: Call): SyscallResult {
  const flags = call.uint(1);
  if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) return -ERRNO.EINVAL;
  const file = timerFile(call);
  const interval = readTimespec(call, call.number(2));
  const value = readTimespec(call, call.number(2) + 16);
  if (call.number(3) !== 0) putSetting(call, call.number(3), file);
  const absolute = (flags & TFD_TIMER_ABSTIME) !== 0;
  file.set(value === 0n ? 0n : absolute ? value : file.time + value, interval);
  return 0;
}

function epollFile(call: Call): EpollFile {
  const file = call.kernel.descriptors.file(call.int(0));
  if (file instanceof EpollFile) return file;
  throw new SyscallError(ERRNO.EINVAL, 'the descriptor is no epoll instance');
}

function epollCtl(call: Call): SyscallResult {
  const { descriptors, memory } = call.kernel;
  const [operation, fd] = [call.int(1), call.int(2)];
  const event =
    operation === EPOLL_CTL_DEL ? undefined : memory.read(call.number(3), EPOLL_EVENT_BYTES);
  const instance = descriptors.file(call.int(0));
  const file = descriptors.file(fd);
  // What is always ready cannot be waited for.
  if (file instanceof RegularFile || file.node?.kind === 'directory') return -ERRNO.EPERM;
  if (!(instance instanceof EpollFile) || file === instance) return -ERRNO.EINVAL;
  if (event === undefined) return instance.remove(fd, file);
  const view = new DataView(event.buffer);
  const events = view.getUint32(0, true);
  const data = view.getBigUint64(8, true);
  if (operation === EPOLL_CTL_ADD) return instance.add(fd, file, events, data);
  return operation === EPOLL_CTL_MOD ? instance.modify(fd, file, events, data) : -ERRNO.EINVAL;
}

/** Waits for events; `deadline` in monotonic nanoseconds, undefined = for ever. */
function epollWait(call: Call, deadline: bigint | undefined): SyscallResult {
  const file = epollFile(call);
  const max = call.int(2);
  if (max <= 0 || max > MAX_EVENTS) return -ERRNO.EINVAL;
  call.borrowMask(call.number(4), call.number(5));
  const { memory, space } = call.kernel;
  const room = Math.floor(
    space.accessible(call.number(1), Math.min(max, EVENTS_AT_ONCE) * EPOLL_EVENT_BYTES, 'write') /
      EPOLL_EVENT_BYTES,
  );
  if (room === 0) return -ERRNO.EFAULT;
  const events = file.take(room);
  if (events.length === 0) return waitReady(call, deadline, 0, file.readyAt());
  const bytes = new Uint8Array(events.length * EPOLL_EVENT_BYTES);
  const view = new DataView(bytes.buffer);
  events.forEach(({ events: mask, data }, index) => {
    view.setUint32(index * EPOLL_EVENT_BYTES, mask, true);
    view.setBigUint64(index * EPOLL_EVENT_BYTES + 8, data, true);
  });
  memory.write(call.number(1), bytes);
  return events.length;
}

/** Files that are events: eventfd(2), timerfd_create(2), signalfd(2), epoll(7). */
export const eventCalls: SyscallHandlers = {
  eventfd2,
  signalfd4,
  timerfd_create: timerfdCreate,
  timerfd_settime: timerfdSettime,
  timerfd_gettime(call) {
    putSetting(call, call.number(1), timerFile(call));
    return 0;
  },
  epoll_create1(call) {
    const flags = call.uint(0);
    return flags & ~O_CLOEXEC
      ? -ERRNO.EINVAL
      : add(call, flags, new EpollFile(call.kernel.system.tree.quota));
  },
  epoll_ctl: epollCtl,
  epoll_pwait(call) {
    const timeout = call.int(3);
    if (timeout < 0) return epollWait(call, undefined);
    const { clock } = call.kernel;
    return epollWait(
      call,
      fixedDeadline(call, () => clock.monotonic() + BigInt(timeout) * 1_000_000n),
    );
  },
  epoll_pwait2(call) {
    const timeout = call.number(3);
    if (timeout === 0) return epollWait(call, undefined);
    const { clock } = call.kernel;
    return epollWait(
      call,
      fixedDeadline(call, () => clock.monotonic() + readTimespec(call, timeout)),
    );
  },
};
