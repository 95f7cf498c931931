import type { HartState } from './engine/hart-state';
import type { Harts } from './harts';
import type { ThreadHost, ThreadStack } from './linux/thread-host';
import type { Hart } from './multiprocess/hart';
import { copyRegisters } from './multiprocess/start';

/** Linux's threads as harts of the caller's address space. They take turns on the home thread. */
export class GuestThreads implements ThreadHost {
  constructor(private readonly harts: Harts) {}

  create(caller: HartState, stack: () => ThreadStack | undefined): HartState | undefined {
    const parent = this.hartOf(caller);
    if (!parent) return undefined;
    const hart = this.harts.create(parent.space, () => stack() ?? parent.stack);
    if (!hart) return undefined;
    copyRegisters(parent, hart);
    hart.space.arena.events.emit(hart.index, 'start', 0, parent.index, 0);
    return hart.state;
  }

  wake(state: HartState): void {
    const hart = this.hartOf(state);
    if (hart && !hart.waiting?.ready) hart.waiting = undefined;
  }

  yield(state: HartState): void {
    const hart = this.hartOf(state);
    if (hart) hart.turn = 0;
  }

  private hartOf(state: HartState): Hart | undefined {
    return this.harts.list().find((hart) => hart.state === state);
  }
}
