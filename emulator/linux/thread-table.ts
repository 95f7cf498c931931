import type { HartState } from '../engine/hart-state';
import { Thread } from './thread';

/** What the threads of a process are made of. */
interface ThreadSource {
  /** Id of the process and of its first thread. */
  readonly pid: number;
  /** A new id. */
  allocateId(): number;
  /** What the process is called. */
  name(): string;
}

/** The threads of a process, and the harts of `multiprocess` that call its kernel, by their harts' numbers. */
export class ThreadTable {
  private readonly threads = new Map<number, Thread>();
  private hasFirst = false;
  /** The one that was asked for last. */
  private recent: Thread | undefined;

  constructor(private readonly source: ThreadSource) {}

  /** The thread that a hart runs; a hart that is not known is the first thread, or one of multiprocess. */
  of(hart: HartState): Thread {
    if (this.recent?.hart === hart) return this.recent;
    const known = this.threads.get(hart.mhartid);
    if (known !== undefined) {
      if (known.hart === hart) this.recent = known;
      return known;
    }
    const { source, hasFirst } = this;
    this.hasFirst = true;
    // The process's signals go to its first thread; harts of multiprocess only get their own.
    const tid = hasFirst ? source.allocateId() : source.pid;
    return this.put(new Thread(tid, source.name(), hart, !hasFirst));
  }

  /** A thread that clone has made: it has its parent's name and signal mask. */
  add(hart: HartState, tid: number, parent: Thread): Thread {
    return this.inherit(new Thread(tid, parent.name, hart, true), parent);
  }

  /** The first thread of a child process, which is a copy of its maker. */
  begin(hart: HartState, maker: Thread): Thread {
    this.hasFirst = true;
    const thread = this.inherit(new Thread(this.source.pid, maker.name, hart, true), maker);
    thread.alternateStack = maker.alternateStack;
    return thread;
  }

  /** A hart has ended; the next one with its number is another thread. */
  end(hart: HartState): void {
    const thread = this.threads.get(hart.mhartid);
    if (thread) {
      thread.ended = true;
      thread.wait = undefined;
    }
    this.threads.delete(hart.mhartid);
    this.recent = undefined;
  }

  /** All others have ended (execve). */
  keepOnly(thread: Thread): void {
    for (const other of [...this.threads.values()]) if (other !== thread) this.end(other.hart);
  }

  /** A thread by its id. */
  find(tid: number): Thread | undefined {
    return [...this.threads.values()].find((thread) => thread.tid === tid);
  }

  /** The one that was made first, ended or not. */
  get first(): Thread | undefined {
    const [first] = this.threads.values();
    return first;
  }

  /** All of them, those of multiprocess and a first one that has ended too. */
  all(): Iterable<Thread> {
    return this.threads.values();
  }

  /** Threads that have not ended, the first one first. */
  live(): readonly Thread[] {
    return [...this.threads.values()].filter(({ ended, takesShared }) => takesShared && !ended);
  }

  private put(thread: Thread): Thread {
    this.threads.set(thread.hart.mhartid, thread);
    this.recent = undefined;
    return thread;
  }

  private inherit(thread: Thread, parent: Thread): Thread {
    thread.blocked = parent.blocked;
    return this.put(thread);
  }
}
