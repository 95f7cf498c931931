import { ERRNO } from '../abi/errno';
import {
  O_RDWR,
  OpenFile,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  S_IFSOCK,
  type FileStatus,
  type ReadResult,
} from './open-file';

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;

/** Bytes that wait in one direction, as net.core.wmem_default has it. */
const CAPACITY = 212_992;
const SOCKET_DEVICE = 8;

/** What was sent: bytes, and the files that came with them (SCM_RIGHTS). */
interface Message {
  bytes: Uint8Array;
  files: readonly OpenFile[];
}

/** One direction between two sockets. */
class Channel {
  readonly messages: Message[] = [];
  held = 0;
  /** The sender has shut down or is gone; the receiver has. */
  ended = false;
  refused = false;
  arrivals = 0;
  departures = 0;
}

let sockets = 0;

/** One of two connected sockets (AF_UNIX), or one that is not connected to anything. */
export class SocketFile extends OpenFile {
  private readonly number = ++sockets;

  constructor(
    readonly type: number,
    flags: number,
    private readonly incoming: Channel | undefined,
    private readonly outgoing: Channel | undefined,
  ) {
    super(`socket:[${sockets}]`, O_RDWR | flags);
  }

  /** Two that are connected. */
  static pair(type: number, flags: number): readonly [SocketFile, SocketFile] {
    const [there, back] = [new Channel(), new Channel()];
    return [new SocketFile(type, flags, back, there), new SocketFile(type, flags, there, back)];
  }

  static unconnected(type: number, flags: number): SocketFile {
    return new SocketFile(type, flags, undefined, undefined);
  }

  get isConnected(): boolean {
    return this.incoming !== undefined;
  }

  override get activity(): number {
    return (this.incoming?.arrivals ?? 0) + (this.outgoing?.departures ?? 0);
  }

  override status(): FileStatus {
    return { inode: this.number, mode: S_IFSOCK | 0o777, size: 0, fileSystem: SOCKET_DEVICE };
  }

  override read(max: number): ReadResult {
    const received = this.receive(max, false);
    if (typeof received !== 'object') return received;
    for (const file of received.files) file.release();
    return received.bytes;
  }

  /** Takes what was sent: of a stream up to `max` bytes, else one message, cut to `max`. */
  receive(
    max: number,
    peek: boolean,
  ): (Message & { readonly length: number }) | 'wait' | 'eof' | number {
    const { incoming } = this;
    if (incoming === undefined) return this.type === SOCK_DGRAM ? 'wait' : -ERRNO.EINVAL;
    const [first] = incoming.messages;
    if (first === undefined) return incoming.ended || incoming.refused ? 'eof' : 'wait';
    const { length } = first.bytes;
    const bytes = first.bytes.slice(0, max);
    if (peek) return { bytes, files: [], length };
    const { files } = first;
    if (this.type === SOCK_STREAM && max < length) {
      first.bytes = first.bytes.subarray(max);
      first.files = [];
      incoming.held -= max;
    } else {
      incoming.messages.shift();
      incoming.held -= length;
    }
    incoming.departures += 1;
    return { bytes, files, length };
  }

  override write(bytes: Uint8Array): number | 'wait' {
    return this.send(bytes, []);
  }

  send(bytes: Uint8Array, files: readonly OpenFile[]): number | 'wait' {
    const { outgoing } = this;
    if (outgoing === undefined) return -ERRNO.ENOTCONN;
    if (outgoing.ended || outgoing.refused) return -ERRNO.EPIPE;
    const isStream = this.type === SOCK_STREAM;
    if (!isStream && bytes.length > CAPACITY) return -ERRNO.EMSGSIZE;
    const room = CAPACITY - outgoing.held;
    if (room <= 0 || (!isStream && room < bytes.length)) return 'wait';
    if (bytes.length === 0 && isStream) return 0;
    const part = bytes.slice(0, room);
    outgoing.messages.push({ bytes: part, files: files.map((file) => file.retain()) });
    outgoing.held += part.length;
    outgoing.arrivals += 1;
    return part.length;
  }

  /** shutdown(2): 0 = reading, 1 = writing, 2 = both. */
  shutdown(how: number): void {
    if (how !== 0 && this.outgoing !== undefined) {
      this.outgoing.ended = true;
      this.outgoing.arrivals += 1;
    }
    if (how !== 1 && this.incoming !== undefined) {
      this.incoming.refused = true;
      this.incoming.departures += 1;
    }
  }

  override available(): number {
    const { incoming } = this;
    if (this.type === SOCK_STREAM) return incoming?.held ?? 0;
    return incoming?.messages[0]?.bytes.length ?? 0;
  }

  override readiness(): number {
    const { incoming, outgoing } = this;
    if (incoming === undefined || outgoing === undefined) return POLLOUT | POLLWRNORM | POLLHUP;
    let ready = 0;
    const ended = incoming.ended || incoming.refused;
    if (incoming.messages.length > 0 || ended) ready |= POLLIN | POLLRDNORM;
    if (outgoing.held < CAPACITY) ready |= POLLOUT | POLLWRNORM;
    if (ended && (outgoing.ended || outgoing.refused)) ready |= POLLHUP;
    return ready;
  }

  override close(): void {
    this.shutdown(2);
    for (const { files } of this.incoming?.messages ?? []) {
      for (const file of files) file.release();
    }
  }
}
