import { ERRNO } from '../abi/errno';
import type { MemoryQuota } from './bytes';
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
/** What a message takes beside its bytes (SKB_TRUESIZE of Linux), and each file that comes with it. */
const MESSAGE_OVERHEAD = 768;
const FILE_OVERHEAD = 4096;

/** What was sent: bytes, and the files that came with them (SCM_RIGHTS). */
interface Message {
  bytes: Uint8Array;
  files: readonly OpenFile[];
}

const weight = ({ bytes, files }: Message): number =>
  bytes.length + MESSAGE_OVERHEAD + files.length * FILE_OVERHEAD;

/** One direction between two sockets. */
class Channel {
  readonly messages: Message[] = [];
  /** Bytes of the messages, and what they take together. */
  bytes = 0;
  held = 0;
  /** The sender has shut down or is gone; the receiver has. */
  ended = false;
  refused = false;
  arrivals = 0;
  departures = 0;

  constructor(private readonly quota: MemoryQuota) {}

  /** Bytes that a message may have; what is alone has room, so that senders get on without memory too. */
  get room(): number {
    if (this.messages.length === 0) return CAPACITY;
    return Math.min(CAPACITY - this.held, this.quota.freeBytes) - MESSAGE_OVERHEAD;
  }

  put(message: Message): void {
    this.messages.push(message);
    this.count(message, 1);
    this.arrivals += 1;
  }

  /** Takes the first message, or of a stream its first bytes. */
  take(first: Message, length: number): void {
    this.count(first, -1);
    if (length < first.bytes.length) {
      first.bytes = first.bytes.subarray(length);
      first.files = [];
      this.count(first, 1);
    } else this.messages.shift();
    this.departures += 1;
  }

  /** The receiver is gone. */
  drop(): void {
    for (const message of this.messages.splice(0)) {
      this.count(message, -1);
      for (const file of message.files) file.release();
    }
  }

  /** Whether there is memory for files on their way. */
  hasRoomFor(files: readonly OpenFile[]): boolean {
    return files.length === 0 || files.length * FILE_OVERHEAD <= this.quota.freeBytes;
  }

  private count(message: Message, sign: 1 | -1): void {
    this.bytes += sign * message.bytes.length;
    this.held += sign * weight(message);
    this.quota.charge(sign * weight(message));
  }
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
  static pair(type: number, flags: number, quota: MemoryQuota): readonly [SocketFile, SocketFile] {
    const [there, back] = [new Channel(quota), new Channel(quota)];
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
    incoming.take(first, this.type === SOCK_STREAM ? max : length);
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
    const { room } = outgoing;
    if (room <= 0 || (!isStream && room < bytes.length)) return 'wait';
    if (bytes.length === 0 && isStream) return 0;
    if (!outgoing.hasRoomFor(files)) return -ERRNO.ETOOMANYREFS;
    const part = bytes.slice(0, room);
    outgoing.put({ bytes: part, files: files.map((file) => file.retain()) });
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
    if (this.type === SOCK_STREAM) return incoming?.bytes ?? 0;
    return incoming?.messages[0]?.bytes.length ?? 0;
  }

  override readiness(): number {
    const { incoming, outgoing } = this;
    if (incoming === undefined || outgoing === undefined) return POLLOUT | POLLWRNORM | POLLHUP;
    let ready = 0;
    const ended = incoming.ended || incoming.refused;
    if (incoming.messages.length > 0 || ended) ready |= POLLIN | POLLRDNORM;
    if (outgoing.room > 0) ready |= POLLOUT | POLLWRNORM;
    if (ended && (outgoing.ended || outgoing.refused)) ready |= POLLHUP;
    return ready;
  }

  override close(): void {
    this.shutdown(2);
    this.incoming?.drop();
  }
}
