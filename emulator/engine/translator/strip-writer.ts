import { PAGE_SHIFT } from '../../memory/layout';
import { i32, i64, select, type Expr, type Label, type Local } from '../../wasm';
import type { ElementLoop } from './element-loop';
import type { Item } from './region';
import type { OpenWindow, RegionState } from './region-emitter';
import type { Strip, Window } from './strips';
import { VectorRounds } from './vector-rounds';

const PAGE = 2 ** PAGE_SHIFT;
/**
 * Rounds of a strip at most. What other threads do to a page shows in the next strip: whoever waits for it in a loop
 * must not wait for long.
 */
const MOST_ROUNDS = 1024;
/** Rounds without a strip before another one is tried. */
const CHECKED_ROUNDS = 16;

/** What of a strip can be computed two rounds at a time, and who is told how many were. */
export interface CountedElements {
  readonly loop: ElementLoop;
  readonly ran: (rounds: Expr<'i32'>) => void;
}

/** Writes what begins and ends the strips of loops (strips.ts). */
export class StripWriter {
  /** While the fuel is not less, rounds go on: they are counted by the instructions that they take. */
  private bound: Local<'i32'> | undefined;
  /** For each window of a strip: from the guest's addresses to the arena's. Strips are not nested. */
  private readonly distances: Local<'i32'>[] = [];

  private readonly vectorRounds: VectorRounds;

  constructor(
    private readonly state: RegionState,
    private readonly fuel: Local<'i32'>,
  ) {
    this.vectorRounds = new VectorRounds(state, fuel);
  }

  private limit(): Local<'i32'> {
    return (this.bound ??= this.state.f.local('i32'));
  }

  private distance(index: number): Local<'i32'> {
    return (this.distances[index] ??= this.state.f.local('i32'));
  }

  /** Where an access of a strip's round is. */
  windowOf(strip: Strip, item: Item): OpenWindow | undefined {
    const window = strip.windowOf(item);
    if (!window) return undefined;
    const distance = this.distance(strip.windows.indexOf(window));
    return { distance, offset: item.decoded.imm - window.base };
  }

  /** Comes before a loop that has strips: one round, then a strip is tried. */
  enter(): void {
    this.state.f.set(this.limit(), this.fuel);
  }

  /** Runs `fast`, which must not fall through, if all windows lie in pages with deltas; else falls through. */
  open(strip: Strip, needs: number, elements: CountedElements | undefined, fast: () => void): void {
    const { f } = this.state;
    const { windows, round } = strip;
    f.block((miss) => {
      f.scope((temp) => {
        const rounds = temp('i32');
        f.set(rounds, i32.const(MOST_ROUNDS - 1));
        // Those that write come first: a page that may be written has the frame that it is read from by then.
        const order = windows.toSorted((a, b) => Number(b.writes) - Number(a.writes));
        for (const window of order) {
          const more = this.openWindow(window, this.distance(windows.indexOf(window)), miss, temp);
          if (more) f.set(rounds, select(i32.lt_u(more, rounds), more, rounds));
        }
        this.setLimit(i32.mul(rounds, i32.const(round)), needs);
      });
      if (elements) {
        const most = i32.div_u(i32.sub(this.fuel, this.limit()), i32.const(round));
        const distance = (window: Window): Local<'i32'> => this.distance(windows.indexOf(window));
        this.vectorRounds.write(elements.loop, { round, most, distance, ran: elements.ran });
      }
      fast();
    });
    this.setLimit(i32.const((CHECKED_ROUNDS - 1) * round), needs);
  }

  /** Lets rounds begin for so many more instructions, as far as the fuel lasts. */
  private setLimit(instructions: Expr<'i32'>, needs: number): void {
    const { f } = this.state;
    const limit = this.limit();
    f.set(limit, i32.sub(this.fuel, instructions));
    // A merge of two ways is a place where V8 keeps the value: an expression it would compute again in each round.
    f.if(i32.lt_s(limit, i32.const(needs)), () => f.set(limit, i32.const(needs)));
  }

  /**
   * Finds a window's page.
   * @returns how many more rounds after the next one stay in it; undefined: all
   */
  private openWindow(
    { register, base, low, high, step, reads, writes }: Window,
    distance: Local<'i32'>,
    miss: Label,
    temp: <T extends 'i32' | 'i64'>(type: T) => Local<T>,
  ): Local<'i32'> | undefined {
    const { f, registers, readTable, writeTable } = this.state;
    const start = temp('i64');
    f.set(start, i64.add(registers.x(register), i64.const(low)));
    f.brIf(miss, i64.ge_u(start, i64.const(2 ** 32)));
    const offset = temp('i32');
    f.set(offset, i32.and(i32.wrap_i64(start), i32.const(PAGE - 1)));
    const last = PAGE - (high - low);
    f.brIf(miss, i32.gt_u(offset, i32.const(last)));
    const page = i32.shl(i32.wrap_i64(i64.shr_u(start, i64.const(PAGE_SHIFT))), i32.const(2));
    f.set(distance, i32.load(i32.add(writes ? writeTable : readTable, page)));
    f.brIf(miss, i32.eqz(distance));
    // A page may be written that is watched for reads.
    if (writes && reads) {
      f.brIf(miss, i32.ne(distance, i32.load(i32.add(readTable, page))));
    }
    f.set(distance, i32.add(distance, i32.const(base)));
    if (step === 0) return undefined;
    const rounds = temp('i32');
    const room = step > 0 ? i32.sub(i32.const(last), offset) : offset;
    f.set(rounds, divide(room, Math.abs(step)));
    return rounds;
  }

  /** The end of a round: the next one, if it is in the strip. Else falls through. */
  again(loop: Label): void {
    this.state.f.brIf(loop, i32.ge_s(this.fuel, this.limit()));
  }
}

function divide(value: Expr<'i32'>, by: number): Expr<'i32'> {
  const shift = Math.log2(by);
  return Number.isInteger(shift)
    ? i32.shr_u(value, i32.const(shift))
    : i32.div_u(value, i32.const(by));
}
