import { ERRNO } from '../abi/errno';
import { SIGNAL } from '../abi/signals';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import { O_CLOEXEC, O_NONBLOCK, type OpenFile } from '../files/open-file';
import { SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, SocketFile } from '../files/sockets';
import { addPair } from './files';

const AF_UNIX = 1;
const TYPES: readonly number[] = [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET];

const MSG_PEEK = 2;
const MSG_CTRUNC = 8;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** Most bytes of one message or piece of a stream. */
const MOST_BYTES = 212_992;
const IOV_MAX = 1024;
/** `struct msghdr`: name, namelen, iov, iovlen, control, controllen, flags, each in 8 bytes. */
const MSGHDR_BYTES = 56;
/** `struct cmsghdr`: cmsg_len u64, cmsg_level i32, cmsg_type i32. */
const CMSG_HEAD = 16;
const SCM_RIGHTS = 1;
const SCM_MAX_FD = 253;
const SOL_SOCKET = 1;

/** Options of getsockopt (include/uapi/asm-generic/socket.h). */
const SO = {
  TYPE: 3,
  ERROR: 4,
  SNDBUF: 7,
  RCVBUF: 8,
  PEERCRED: 17,
  ACCEPTCONN: 30,
  PROTOCOL: 38,
  DOMAIN: 39,
} as const;

function socketFile(call: Call): SocketFile {
  const file = call.kernel.descriptors.file(call.int(0));
  if (file instanceof SocketFile) return file;
  throw new SyscallError(ERRNO.ENOTSOCK, 'the descriptor is no socket');
}

/** Type and flags of socket and socketpair; only AF_UNIX is there: the network is off. */
function socketType(call: Call): { type: number; flags: number } {
  const [family, type] = [call.int(0), call.uint(1)];
  const flags = type & (O_CLOEXEC | O_NONBLOCK);
  const kind = type & ~flags;
  if (family !== AF_UNIX) throw new SyscallError(ERRNO.EAFNOSUPPORT, 'the network is off');
  if (!TYPES.includes(kind)) throw new SyscallError(ERRNO.ESOCKTNOSUPPORT, `no type ${kind}`);
  if (call.int(2) > 1) throw new SyscallError(ERRNO.EPROTONOSUPPORT, 'there is no such protocol');
  return { type: kind, flags };
}

function sendBytes(
  call: Call,
  file: SocketFile,
  bytes: Uint8Array,
  files: readonly OpenFile[],
  flags: number,
): SyscallResult {
  const sent = file.send(bytes, files);
  if (sent === 'wait') return waits(file, flags) ? call.parkInterruptible('output') : -ERRNO.EAGAIN;
  if (sent === -ERRNO.EPIPE && (flags & MSG_NOSIGNAL) === 0) call.kernel.raise(SIGNAL.SIGPIPE);
  return sent;
}

function waits(file: OpenFile, flags: number): boolean {
  return (file.flags & O_NONBLOCK) === 0 && (flags & MSG_DONTWAIT) === 0;
}

function sendto(call: Call): SyscallResult {
  const file = socketFile(call);
  if (call.number(4) !== 0) return file.isConnected ? -ERRNO.EISCONN : -ERRNO.ECONNREFUSED;
  const length = Math.min(call.number(2), MOST_BYTES + 1);
  return sendBytes(call, file, call.kernel.memory.read(call.number(1), length), [], call.uint(3));
}

function recvfrom(call: Call): SyscallResult {
  const file = socketFile(call);
  const flags = call.uint(3);
  const { memory } = call.kernel;
  const wanted = Math.min(call.number(2), MOST_BYTES);
  const room = wanted === 0 ? 0 : memory.writableLength(call.number(1), wanted);
  const received = file.receive(room, (flags & MSG_PEEK) !== 0);
  if (received === 'eof') return 0;
  if (typeof received === 'number') return received;
  if (received === 'wait')
    return waits(file, flags) ? call.parkInterruptible('input') : -ERRNO.EAGAIN;
  memory.write(call.number(1), received.bytes);
  for (const passed of received.files) passed.release();
  if (call.number(4) !== 0 && call.number(5) !== 0) memory.setU32(call.number(5), 0);
  return flags & MSG_TRUNC && file.type !== SOCK_STREAM ? received.length : received.bytes.length;
}

interface MessageHeader {
  readonly buffers: readonly { readonly address: number; readonly length: number }[];
  readonly name: number;
  readonly control: number;
  readonly controlLength: number;
}

function readHeader(call: Call, address: number): MessageHeader {
  const { memory } = call.kernel;
  const view = new DataView(memory.read(address, MSGHDR_BYTES).buffer);
  const word = (at: number): number => Number(view.getBigUint64(at, true));
  const count = word(24);
  if (count > IOV_MAX) throw new SyscallError(ERRNO.EMSGSIZE, 'there are too many buffers');
  const buffers = Array.from({ length: count }, (_, index) => {
    const entry = word(16) + 16 * index;
    return { address: Number(memory.u64(entry)), length: Number(memory.u64(entry + 8)) };
  });
  return { buffers, name: word(0), control: word(32), controlLength: word(40) };
}

/** The files that come with a message (SCM_RIGHTS). */
function passedFiles(call: Call, { control, controlLength }: MessageHeader): OpenFile[] {
  if (control === 0 || controlLength < CMSG_HEAD) return [];
  const bytes = call.kernel.memory.read(control, Math.min(controlLength, 4096));
  const view = new DataView(bytes.buffer);
  const files: OpenFile[] = [];
  for (let at = 0; at + CMSG_HEAD <= bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    if (length < CMSG_HEAD || at + length > bytes.length) {
      throw new SyscallError(ERRNO.EINVAL, 'a control message has a wrong length');
    }
    const rights = view.getInt32(at + 8, true) === SOL_SOCKET;
    if (!rights || view.getInt32(at + 12, true) !== SCM_RIGHTS) {
      throw new SyscallError(ERRNO.EINVAL, 'only files are passed');
    }
    for (let entry = at + CMSG_HEAD; entry + 4 <= at + length; entry += 4) {
      files.push(call.kernel.descriptors.file(view.getInt32(entry, true)));
    }
    at += Math.ceil(length / 8) * 8;
  }
  if (files.length > SCM_MAX_FD) throw new SyscallError(ERRNO.EINVAL, 'too many files are passed');
  return files;
}

function sendmsg(call: Call): SyscallResult {
  const file = socketFile(call);
  const header = readHeader(call, call.number(1));
  if (header.name !== 0 && file.isConnected) return -ERRNO.EISCONN;
  let room = MOST_BYTES + 1;
  const parts = header.buffers.map(({ address, length }) => {
    const part = call.kernel.memory.read(address, Math.min(length, room));
    room -= part.length;
    return part;
  });
  const bytes = new Uint8Array(Buffer.concat(parts));
  return sendBytes(call, file, bytes, passedFiles(call, header), call.uint(2));
}

function recvmsg(call: Call): SyscallResult {
  const file = socketFile(call);
  const { memory } = call.kernel;
  const flags = call.uint(2);
  const address = call.number(1);
  const header = readHeader(call, address);
  const room = header.buffers.reduce((sum, { length }) => sum + length, 0);
  const received = file.receive(Math.min(room, MOST_BYTES), (flags & MSG_PEEK) !== 0);
  if (typeof received === 'number') return received;
  if (received === 'wait')
    return waits(file, flags) ? call.parkInterruptible('input') : -ERRNO.EAGAIN;
  const { bytes, files, length } =
    received === 'eof' ? { bytes: new Uint8Array(0), files: [], length: 0 } : received;
  let done = 0;
  for (const buffer of header.buffers) {
    const part = bytes.subarray(done, done + buffer.length);
    if (part.length > 0) memory.write(buffer.address, part);
    done += part.length;
  }
  const { used, cut } = passOn(call, header, files, (flags & MSG_CMSG_CLOEXEC) !== 0);
  const truncated = file.type !== SOCK_STREAM && length > bytes.length ? MSG_TRUNC : 0;
  memory.setU32(address + 8, 0);
  memory.setU64(address + 40, BigInt(used));
  memory.setU32(address + 48, truncated | (cut ? MSG_CTRUNC : 0));
  return flags & MSG_TRUNC && file.type !== SOCK_STREAM ? length : bytes.length;
}

/** Gives passed files descriptors, as many as there is room for. */
function passOn(
  call: Call,
  { control, controlLength }: MessageHeader,
  files: readonly OpenFile[],
  closeOnExec: boolean,
): { used: number; cut: boolean } {
  const { descriptors, memory } = call.kernel;
  const room = control === 0 ? 0 : Math.max(0, Math.floor((controlLength - CMSG_HEAD) / 4));
  const taken = files.slice(0, room);
  const numbers = taken.map((file) => descriptors.add(file, closeOnExec));
  for (const file of files) file.release();
  if (numbers.length === 0) return { used: 0, cut: files.length > 0 };
  const bytes = new Uint8Array(CMSG_HEAD + 4 * numbers.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setInt32(8, SOL_SOCKET, true);
  view.setInt32(12, SCM_RIGHTS, true);
  numbers.forEach((fd, index) => view.setInt32(CMSG_HEAD + 4 * index, fd, true));
  memory.write(control, bytes);
  return {
    used: Math.min(Math.ceil(bytes.length / 8) * 8, controlLength),
    cut: taken.length < files.length,
  };
}

function getsockopt(call: Call): SyscallResult {
  const file = socketFile(call);
  const { memory } = call.kernel;
  if (call.int(1) !== SOL_SOCKET) return -ERRNO.EOPNOTSUPP;
  const values: Readonly<Record<number, readonly number[]>> = {
    [SO.TYPE]: [file.type],
    [SO.ERROR]: [0],
    [SO.SNDBUF]: [MOST_BYTES],
    [SO.RCVBUF]: [MOST_BYTES],
    [SO.PEERCRED]: [call.kernel.pid, call.kernel.user, call.kernel.group],
    [SO.ACCEPTCONN]: [0],
    [SO.PROTOCOL]: [0],
    [SO.DOMAIN]: [AF_UNIX],
  };
  const value = values[call.int(2)];
  if (value === undefined) return -ERRNO.ENOPROTOOPT;
  const bytes = new Uint8Array(Int32Array.from(value).buffer);
  const length = memory.i32(call.number(4));
  if (length < 0) return -ERRNO.EINVAL;
  const part = bytes.subarray(0, length);
  memory.write(call.number(3), part);
  memory.setU32(call.number(4), part.length);
  return 0;
}

/** Name of a socket that has none: the family alone. */
function socketName(call: Call): SyscallResult {
  const { memory } = call.kernel;
  const length = memory.i32(call.number(2));
  if (length < 0) return -ERRNO.EINVAL;
  memory.write(call.number(1), Uint8Array.of(AF_UNIX, 0).subarray(0, length));
  memory.setU32(call.number(2), 2);
  return 0;
}

/** Sockets: pairs of them within the process. Nothing outside can be reached. */
export const socketCalls: SyscallHandlers = {
  socket(call) {
    const { type, flags } = socketType(call);
    const file = SocketFile.unconnected(type, flags & O_NONBLOCK);
    return call.kernel.descriptors.add(file, (flags & O_CLOEXEC) !== 0);
  },
  socketpair(call) {
    const { type, flags } = socketType(call);
    const pair = SocketFile.pair(type, flags & O_NONBLOCK, call.kernel.system.tree.quota);
    return addPair(call, pair, (flags & O_CLOEXEC) !== 0, call.number(3));
  },
  // Nobody listens anywhere.
  connect(call) {
    return socketFile(call).isConnected ? -ERRNO.EISCONN : -ERRNO.ENOENT;
  },
  bind(call) {
    socketFile(call);
    return -ERRNO.EACCES;
  },
  listen(call) {
    socketFile(call);
    return -ERRNO.EINVAL;
  },
  accept(call) {
    socketFile(call);
    return -ERRNO.EINVAL;
  },
  accept4(call) {
    socketFile(call);
    return -ERRNO.EINVAL;
  },
  getsockname(call) {
    socketFile(call);
    return socketName(call);
  },
  getpeername(call) {
    return socketFile(call).isConnected ? socketName(call) : -ERRNO.ENOTCONN;
  },
  sendto,
  recvfrom,
  sendmsg,
  recvmsg,
  shutdown(call) {
    const file = socketFile(call);
    const how = call.int(1);
    if (how < 0 || how > 2) return -ERRNO.EINVAL;
    if (!file.isConnected) return -ERRNO.ENOTCONN;
    file.shutdown(how);
    return 0;
  },
  getsockopt,
  setsockopt(call) {
    socketFile(call);
    return call.int(1) === SOL_SOCKET ? 0 : -ERRNO.EOPNOTSUPP;
  },
};
