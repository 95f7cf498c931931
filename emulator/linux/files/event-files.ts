import { ERRNO } from '../abi/errno';
import {
  O_RDWR,
  OpenFile,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  type FileStatus,
  type ReadResult,
} from './open-file';

const ANONYMOUS_INODE: FileStatus = { inode: 1, mode: 0o600, size: 0 };
const COUNTER_BYTES = 8;
const MOST = 2n ** 64n - 2n;

function encode(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer);
}

/** A file without a position: seeking does nothing. */
abstract class AnonymousFile extends OpenFile {
  override status(): FileStatus {
    return ANONYMOUS_INODE;
  }

  override seek(): number {
    return 0;
  }
}

/** A counter that threads wait for (eventfd(2)). */
export class EventFile extends AnonymousFile {
  private changes = 0;

  constructor(
    private count: bigint,
    private readonly semaphore: boolean,
    flags: number,
  ) {
    super('anon_inode:[eventfd]', O_RDWR | flags);
  }

  override get activity(): number {
    return this.changes;
  }

  override read(max: number): ReadResult {
    if (max < COUNTER_BYTES) return -ERRNO.EINVAL;
    if (this.count === 0n) return 'wait';
    const taken = this.semaphore ? 1n : this.count;
    this.count -= taken;
    this.changes += 1;
    return encode(taken);
  }

  override write(bytes: Uint8Array): number | 'wait' {
    if (bytes.length < COUNTER_BYTES) return -ERRNO.EINVAL;
    const value = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
    if (value > MOST) return -ERRNO.EINVAL;
    if (this.count + value > MOST) return 'wait';
    this.count += value;
    this.changes += 1;
    return COUNTER_BYTES;
  }

  override readiness(): number {
    const readable = this.count > 0n ? POLLIN | POLLRDNORM : 0;
    return this.count < MOST ? readable | POLLOUT | POLLWRNORM : readable;
  }
}

/** A timer that is read (timerfd_create(2)). Times are nanoseconds of its clock. */
export class TimerFile extends AnonymousFile {
  private deadline = 0n;
  private interval = 0n;
  private seen = 0;

  /** @param monotonic milliseconds of the kernel's clock at a time of this timer's clock */
  constructor(
    private readonly now: () => bigint,
    private readonly monotonic: (time: bigint) => number,
    flags: number,
  ) {
    super('anon_inode:[timerfd]', O_RDWR | flags);
  }

  override get activity(): number {
    return Number(this.expirations()) + this.seen;
  }

  /** The time of its clock. */
  get time(): bigint {
    return this.now();
  }

  /** What is left until it expires, and the interval; 0 = it is not set. */
  get setting(): { readonly value: bigint; readonly interval: bigint } {
    const { deadline, interval } = this;
    if (deadline === 0n) return { value: 0n, interval };
    const now = this.now();
    const next = deadline + this.expirations() * interval;
    return { value: next > now ? next - now : 0n, interval };
  }

  /** @param deadline 0 = stop it */
  set(deadline: bigint, interval: bigint): void {
    this.deadline = deadline;
    this.interval = interval;
    this.seen = 0;
  }

  override read(max: number): ReadResult {
    if (max < COUNTER_BYTES) return -ERRNO.EINVAL;
    const count = this.expirations();
    if (count === 0n) return 'wait';
    this.deadline = this.interval === 0n ? 0n : this.deadline + count * this.interval;
    this.seen += Number(count);
    return encode(count);
  }

  override readiness(): number {
    return this.expirations() > 0n ? POLLIN | POLLRDNORM : 0;
  }

  override readyAt(): number | undefined {
    return this.deadline === 0n ? undefined : this.monotonic(this.deadline);
  }

  override readDeadline(): number | undefined {
    return this.readyAt();
  }

  /** How often it has expired since it was read. */
  private expirations(): bigint {
    const late = this.now() - this.deadline;
    if (this.deadline === 0n || late < 0n) return 0n;
    return this.interval === 0n ? 1n : late / this.interval + 1n;
  }
}

/** What a signalfd takes its signals from. */
export interface SignalSource {
  /** Those of `set` that are pending. */
  pending(set: bigint): bigint;
  /** Takes one: its `siginfo_t`. */
  take(set: bigint): Uint8Array | undefined;
}

/** Bytes of a `struct signalfd_siginfo`. */
const SIGNALFD_BYTES = 128;

/** Signals that are read (signalfd(2)). */
export class SignalFile extends AnonymousFile {
  constructor(
    public mask: bigint,
    private readonly source: SignalSource,
    flags: number,
  ) {
    super('anon_inode:[signalfd]', O_RDWR | flags);
  }

  override read(max: number): ReadResult {
    if (max < SIGNALFD_BYTES) return -ERRNO.EINVAL;
    const entries: Uint8Array[] = [];
    while ((entries.length + 1) * SIGNALFD_BYTES <= max) {
      const info = this.source.take(this.mask);
      if (info === undefined) break;
      entries.push(signalEntry(info));
    }
    return entries.length === 0 ? 'wait' : new Uint8Array(Buffer.concat(entries));
  }

  override readiness(): number {
    return this.source.pending(this.mask) === 0n ? 0 : POLLIN | POLLRDNORM;
  }
}

/**
 * `struct signalfd_siginfo` of a `siginfo_t`: ssi_signo u32, ssi_errno i32, ssi_code i32, ssi_pid u32, ssi_uid u32, then at
 * 24 ssi_tid, at 32 ssi_overrun, at 44 ssi_int, at 48 ssi_ptr, at 72 ssi_addr.
 */
function signalEntry(info: Uint8Array): Uint8Array {
  const from = new DataView(info.buffer, info.byteOffset);
  const bytes = new Uint8Array(SIGNALFD_BYTES);
  const to = new DataView(bytes.buffer);
  for (const at of [0, 4, 8]) to.setInt32(at, from.getInt32(at, true), true);
  to.setUint32(12, from.getUint32(16, true), true);
  to.setUint32(16, from.getUint32(20, true), true);
  to.setInt32(44, from.getInt32(24, true), true);
  to.setBigUint64(48, from.getBigUint64(24, true), true);
  return bytes;
}
