import { forkFunctions } from './goals';
import type { HartId, HartMarks, Width } from './protocol';
import type { RunControl } from './run-control';
import type { DebugTarget } from './target';

type Go = Parameters<RunControl['move']>[2];

/** Lets harts run and step as clients ask, and marks, freezes and ends them. All throw while no program is open. */
export class MoveService {
  constructor(
    private readonly opened: () => DebugTarget,
    private readonly controlled: () => RunControl,
  ) {}

  run(width: Width = 'all', hart?: HartId): void {
    if (width === 'all') this.controlled().start((stepping) => stepping.run());
    else this.move(hart ?? 0, width, (stepping, _, members) => stepping.run(members));
  }

  stepInstruction(hart: HartId, width?: Width): void {
    this.move(hart, width, (stepping, focus, members) => stepping.instruction(focus, members));
  }

  stepOver(hart: HartId, width?: Width): void {
    this.move(hart, width, (stepping, focus, members) => stepping.over(focus, members));
  }

  stepOut(hart: HartId, width?: Width): void {
    this.move(hart, width, (stepping, focus, members) => stepping.out(focus, members));
  }

  runToReturn(hart: HartId, width?: Width): void {
    this.move(hart, width, (stepping, focus, members) => stepping.toReturn(focus, members));
  }

  stepLine(hart: HartId, how: 'into' | 'over', width?: Width): void {
    this.move(hart, width, (stepping, focus, members) =>
      how === 'into' ? stepping.intoLine(focus, members) : stepping.overLine(focus, members),
    );
  }

  runTo(address: number, hart: HartId = 0, width?: Width): void {
    this.move(hart, width, (stepping, focus, members) => stepping.to([address], focus, members));
  }

  runToFork(): void {
    forkFunctions(this.opened().symbols);
    this.controlled().start((stepping) => stepping.toFork());
  }

  runTogether(hart: HartId): void {
    const control = this.controlled();
    const focus = control.hart(hart);
    const members = control.membersTogether(focus);
    if (members.length < 2) {
      throw new Error(`Hart ${hart} has not parted from others: no group has been moved.`);
    }
    for (const member of members) control.barriers.release(member);
    control.start((stepping) => stepping.together(focus, members), members);
  }

  follow(vcpu: number): void {
    this.controlled().follow = vcpu;
  }

  markHart(hart: HartId, marks: HartMarks): void {
    this.controlled().mark(hart, marks);
  }

  killHart(hart: HartId): void {
    this.controlled().kill(hart);
  }

  /** Moves one hart unless the client wants more; the others stand still. */
  private move(hart: HartId, width: Width = 'hart', go: Go): void {
    this.controlled().move(hart, width, go);
  }
}
