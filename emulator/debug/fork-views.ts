import { OutOfMemory } from '../memory/errors';
import type { AddressSpace } from '../memory/address-space';
import type { Hart } from '../multiprocess/hart';
import type { DebugTarget } from './target';

/** Views take at most this share of the arena's address spaces: the others are the guest's. */
const SHARE = 0.5;

/** Memory as it was at a fork. All harts that one call has made share it. */
interface ForkView {
  readonly space: AddressSpace;
  /** The space that was forked, and when: instructions of the machine. */
  readonly parent: number;
  readonly instructions: number;
  users: number;
}

/**
 * Keeps memory as it was when harts forked, for as long as they live: a copy-on-write fork of the new space, which
 * costs less than a microsecond, and 4 KiB for each page that everybody has written since.
 */
export class ForkViews {
  private target: DebugTarget | undefined;
  private readonly views = new Map<Hart, ForkView>();
  private latest: ForkView | undefined;

  /** For a program that has just been loaded. Hooks that others have set stay. */
  attach(target: DebugTarget): void {
    // The arena of the last program is gone with it.
    this.views.clear();
    this.latest = undefined;
    this.target = target;
    const { hooks, tasks } = target;
    const { hartMade } = hooks;
    hooks.hartMade = (hart) => {
      hartMade?.(hart);
      this.keep(hart);
    };
    hooks.reclaim = () => this.giveUpAll();
    const { onEnd } = tasks;
    tasks.onEnd = (vcpu) => {
      onEnd(vcpu);
      if (vcpu.hart) this.giveUp(vcpu.hart);
    };
  }

  /** What a hart saw when it began; undefined when it is no fork, or the view had to be given up. */
  of(hart: Hart): AddressSpace | undefined {
    return this.views.get(hart)?.space;
  }

  /** Gives up the views of harts that have ended. */
  sweep(): void {
    const alive = new Set(this.target?.liveHarts);
    for (const hart of [...this.views.keys()]) if (!alive.has(hart)) this.giveUp(hart);
  }

  private keep(hart: Hart): void {
    const { target } = this;
    // A thread shares the space of its maker.
    if (!target || target.liveHarts.some((each) => each !== hart && each.space === hart.space))
      return;
    const view = this.viewOf(hart.space, target);
    if (!view) return;
    view.users += 1;
    this.views.set(hart, view);
  }

  private viewOf(space: AddressSpace, { arena, instructions }: DebugTarget): ForkView | undefined {
    const parent = space.parentId;
    const { latest } = this;
    if (latest?.parent === parent && latest.instructions === instructions && latest.users > 0)
      return latest;
    this.sweep();
    if (arena.spaces.used > SHARE * arena.counts.spaces) return undefined;
    try {
      this.latest = { space: space.fork(), parent, instructions, users: 0 };
      return this.latest;
    } catch (error) {
      // The guest needs what memory there is; whoever asks is told that there is no view.
      if (error instanceof OutOfMemory) return undefined;
      throw error;
    }
  }

  private giveUp(hart: Hart): void {
    const view = this.views.get(hart);
    if (!view) return;
    this.views.delete(hart);
    view.users -= 1;
    if (view.users === 0) view.space.destroy();
  }

  private giveUpAll(): boolean {
    const hadSome = this.views.size > 0;
    for (const hart of [...this.views.keys()]) this.giveUp(hart);
    return hadSome;
  }
}
