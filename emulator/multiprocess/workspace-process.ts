import { NO_STATISTICS } from '../engine/statistics';
import type { AddressSpace } from '../memory';
import { PAGE_SHIFT, PAGE_SIZE } from '../memory/layout';
import {
  layoutBytes,
  layoutOf,
  layoutPages,
  layoutSince,
  takeBytes,
  type PageChanges,
} from '../memory/travel';
import type { Hart } from './hart';
import { copyContext } from './hart-context';
import type { PageHistory } from './page-history';
import { unseen, wishOf } from './workspace-events';
import type { OwnerConnection } from './workspace-host';
import {
  MOST_PAGES,
  type BackMessage,
  type FromProcess,
  type MachineTraits,
  type ToProcess,
} from './workspace-messages';

const SP = 2;
const REGISTERS = 32;

/**
 * A memory that vCPUs begin with. It is kept while processes have it, so that only what differs is sent for the next
 * one.
 */
export class Snapshot {
  readonly space: AddressSpace;
  private holders = 1;

  /** @param space of a vCPU that begins */
  constructor(space: AddressSpace) {
    this.space = unseen(space, () => space.fork());
  }

  retain(): this {
    this.holders += 1;
    return this;
  }

  release(): void {
    this.holders -= 1;
    if (this.holders === 0) this.space.destroy();
  }
}

/** Counted for whoever wants to know what it costs. */
export interface Traffic {
  /** Pages that went to processes, and of these those that a vCPU had to wait for. */
  sent: number;
  asked: number;
  /** Pages that came back. */
  returned: number;
  messages: number;
}

/** A vCPU that is in a process. */
export interface Stay {
  readonly run: number;
  readonly hart: Hart;
  /** When it came there, in monotonic milliseconds. */
  readonly since: number;
  /** Where its task's vCPUs begin. */
  readonly pc: number;
  /** Bytes of changed pages that have come so far. */
  readonly parts: Uint8Array[];
  /** When it was called back. */
  recalled: number | undefined;
}

/** What a machine's memory has to do with a process. */
export interface ProcessContext {
  readonly connection: OwnerConnection;
  readonly history: PageHistory;
  readonly traffic: Traffic;
  readonly machine: MachineTraits;
}

/** One process as the machine sees it. */
export class WorkspaceProcess {
  /** Undefined until the process takes messages. */
  pid: number | undefined;
  stay: Stay | undefined;
  /** What it has said of what it has run. */
  statistics = NO_STATISTICS;
  /** The memory that it has, and the pages of it that have gone there. */
  private snapshot: Snapshot | undefined;
  private readonly sent = new Set<number>();
  private breakpoints: Uint32Array = new Uint32Array();
  /** What goes with the next message. */
  private readonly outbox: ToProcess[] = [];

  constructor(
    readonly number: number,
    private readonly context: ProcessContext,
    readonly started = performance.now(),
  ) {}

  get isIdle(): boolean {
    return this.pid !== undefined && this.stay === undefined;
  }

  /**
   * Sends a vCPU there.
   * @param printed bytes that it has printed already
   */
  begin(stay: Stay, snapshot: Snapshot, printed: number, breakpoints: Uint32Array): void {
    const { hart, run } = stay;
    const { vcpu } = hart;
    if (!vcpu) return;
    this.noteSnapshot(snapshot);
    this.stay = stay;
    this.noteBreakpoints(breakpoints);
    this.sendPages(hart.space, this.likely(stay));
    const { id, limit, task } = vcpu;
    const context = copyContext(hart.state);
    const vcpus = task.vcpus.length;
    const events = wishOf(hart.space.arena.events);
    this.note({ type: 'run', run, context, id, vcpus, printed, limit, events });
    this.flush();
  }

  /** Forgets which memory the process has: the next one goes there as a whole. True when that was kept. */
  forget(): boolean {
    const { snapshot } = this;
    this.snapshot = undefined;
    snapshot?.release();
    return snapshot !== undefined;
  }

  /** The vCPU waits for these pages. */
  supply(stay: Stay, pages: Uint32Array): void {
    const { hart, pc } = stay;
    this.context.history.note(pc, hart.vcpu?.id ?? 0, pages);
    const { traffic } = this.context;
    const count = this.sendPages(hart.space, pages);
    traffic.asked += count;
    // It waits for an answer, whatever it has asked for.
    if (count === 0) this.note({ type: 'pages', ...takeBytes(hart.space, []) });
    this.flush();
  }

  setBreakpoints(addresses: Uint32Array): void {
    this.noteBreakpoints(addresses);
    this.flush();
  }

  recall(now: number): void {
    const { stay } = this;
    if (!stay || stay.recalled !== undefined) return;
    stay.recalled = now;
    this.note({ type: 'recall', run: stay.run });
    this.flush();
  }

  /** What the vCPU has changed; undefined when the parts do not fit what the process says of them. */
  changes({ parts }: Stay, { layout }: BackMessage): PageChanges | undefined {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length !== layoutBytes(layout)) return undefined;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    this.context.traffic.returned += length / PAGE_SIZE;
    return { layout, bytes };
  }

  private noteSnapshot(snapshot: Snapshot): void {
    const before = this.snapshot;
    if (before === snapshot) return;
    const { machine } = this.context;
    const changes = before && layoutSince(snapshot.space, before.space);
    const layout = changes ?? layoutOf(snapshot.space) ?? new Uint32Array();
    if (changes) for (const page of layoutPages(changes)) this.sent.delete(page);
    else this.sent.clear();
    this.note({ type: 'snapshot', machine, layout, isWhole: changes === undefined });
    this.snapshot = snapshot.retain();
    before?.release();
  }

  private noteBreakpoints(addresses: Uint32Array): void {
    if (addresses === this.breakpoints) return;
    this.breakpoints = addresses;
    this.note({ type: 'breakpoints', addresses });
  }

  /** Pages that the vCPU most likely needs: where it is, what its registers point to, what was asked for before. */
  private likely({ hart, pc }: Stay): Set<number> {
    const { state, vcpu } = hart;
    const pages = new Set([state.pc >>> PAGE_SHIFT]);
    for (let n = 1; n < REGISTERS; n++) pages.add(Math.floor(state.xNumber(n) / PAGE_SIZE));
    pages.add(Math.floor(state.xNumber(SP) / PAGE_SIZE) + 1);
    for (const page of this.context.history.pages(pc, vcpu?.id ?? 0)) pages.add(page);
    return pages;
  }

  /** How many of the pages went: those with bytes that are not there yet. */
  private sendPages(space: AddressSpace, pages: Iterable<number>): number {
    const missing = [...pages].filter((page) => !this.sent.has(page));
    let count = 0;
    for (let at = 0; at < missing.length; at += MOST_PAGES) {
      const found = takeBytes(space, missing.slice(at, at + MOST_PAGES));
      found.numbers.forEach((page) => this.sent.add(page));
      count += found.numbers.length;
      if (found.numbers.length > 0) this.note({ type: 'pages', ...found });
    }
    this.context.traffic.sent += count;
    return count;
  }

  private note(message: ToProcess): void {
    this.outbox.push(message);
  }

  private flush(): void {
    const messages = this.outbox.splice(0);
    if (messages.length === 0) return;
    this.context.traffic.messages += 1;
    this.context.connection.post({ type: 'send', process: this.number, messages });
  }
}

/** Whether a message is about the vCPU that is there now. */
export const isAbout = (stay: Stay | undefined, message: FromProcess): stay is Stay =>
  stay !== undefined && stay.run === message.run;
