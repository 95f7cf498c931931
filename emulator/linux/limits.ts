/** Resources of getrlimit (include/uapi/asm-generic/resource.h). */
const RLIMIT = {
  CPU: 0,
  FSIZE: 1,
  DATA: 2,
  STACK: 3,
  CORE: 4,
  RSS: 5,
  NPROC: 6,
  NOFILE: 7,
  MEMLOCK: 8,
  AS: 9,
  LOCKS: 10,
  SIGPENDING: 11,
  MSGQUEUE: 12,
  NICE: 13,
  RTPRIO: 14,
  RTTIME: 15,
} as const;

const RLIMIT_COUNT = 16;
const RLIM_INFINITY = 2n ** 64n - 1n;

export interface ResourceLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** What the embedder can bound. */
export interface KernelLimits {
  /** Bytes of the main stack [8 MiB]. */
  readonly stackSize?: number;
  /** Descriptors that can be open at a time [1024]. */
  readonly openFiles?: number;
  /** Bytes that may be written to standard output and error together; ENOSPC behind them [no limit]. */
  readonly outputBytes?: number;
  /** Threads of all processes together, first ones included (RLIMIT_NPROC) [1024]. */
  readonly threads?: number;
  /** Processes that live at a time [512]. */
  readonly processes?: number;
}

const DEFAULT_STACK_SIZE = 8 * 1024 * 1024;
/** A stack has at least this for a program's arguments, and never more than that, whatever the limit is. */
const LEAST_STACK = 128 * 1024;
const MOST_STACK = 256 * 1024 * 1024;
const DEFAULT_OPEN_FILES = 1024;
const DEFAULT_THREADS = 1024;
/** Signals that may be queued, and timers of timer_create. */
const PENDING_SIGNALS = 4096n;

/** The process's resource limits, as prlimit64 shows and lowers them. */
export class ResourceLimits {
  /** @param limits replaced as a whole: a copy has the same until one of the two changes */
  private constructor(private limits: readonly ResourceLimit[]) {}

  /** Those that a machine's first process begins with. */
  static create({
    stackSize = DEFAULT_STACK_SIZE,
    openFiles = DEFAULT_OPEN_FILES,
    threads = DEFAULT_THREADS,
  }: KernelLimits): ResourceLimits {
    const unlimited = { soft: RLIM_INFINITY, hard: RLIM_INFINITY };
    const limits = Array.from<ResourceLimit>({ length: RLIMIT_COUNT }).fill(unlimited);
    limits[RLIMIT.STACK] = { soft: BigInt(stackSize), hard: RLIM_INFINITY };
    limits[RLIMIT.CORE] = { soft: 0n, hard: RLIM_INFINITY };
    limits[RLIMIT.NPROC] = { soft: BigInt(threads), hard: BigInt(threads) };
    limits[RLIMIT.NOFILE] = { soft: BigInt(openFiles), hard: BigInt(openFiles) };
    limits[RLIMIT.SIGPENDING] = { soft: PENDING_SIGNALS, hard: PENDING_SIGNALS };
    limits[RLIMIT.NICE] = { soft: 0n, hard: 0n };
    limits[RLIMIT.RTPRIO] = { soft: 0n, hard: 0n };
    return new ResourceLimits(limits);
  }

  /** The same for a child process. */
  copy(): ResourceLimits {
    return new ResourceLimits(this.limits);
  }

  /** Undefined when Linux has no such resource. */
  get(resource: number): ResourceLimit | undefined {
    return this.limits[resource];
  }

  set(resource: number, limit: ResourceLimit): void {
    this.limits = this.limits.map((former, i) => (i === resource ? limit : former));
  }

  get openFiles(): number {
    return Number(this.limits[RLIMIT.NOFILE]?.soft ?? 0n);
  }

  get threads(): number {
    return Number(this.limits[RLIMIT.NPROC]?.soft ?? 0n);
  }

  get pendingSignals(): number {
    return Number(this.limits[RLIMIT.SIGPENDING]?.soft ?? 0n);
  }

  /** Bytes of a new program's stack. */
  get stackSize(): number {
    const wanted = Number(this.limits[RLIMIT.STACK]?.soft ?? 0n);
    return Math.min(Math.max(wanted, LEAST_STACK), MOST_STACK);
  }
}
