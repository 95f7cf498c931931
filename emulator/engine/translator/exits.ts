import { HART } from '../../memory/layout';
import { i32, i64, type Expr, type FunctionBuilder, type Label, type Local } from '../../wasm';
import { count } from '../enter-regions';
import { REGIONS } from '../records';
import { registersIn, type Registers } from './registers';

const KIND_BITS = 4;
const WORD = 32;

/** Where a region is left. */
export interface Exit {
  /** The guest address to go on at, even where it is computed. */
  readonly pc: number | Expr<'i32'>;
  /** The interpreter must run the instruction there before any translated code. */
  readonly interpret: boolean;
  /** One of `EXIT`. */
  readonly kind: number;
  /** Instructions that have run and are not subtracted from the fuel yet. */
  readonly executed: number;
}

/**
 * The ways out of a region. In the middle of code an exit is some constants and a branch: no call, so that V8
 * keeps the registers of a loop in the processor's. What is to be stored is a mask, tested in one place.
 */
export class Exits {
  private readonly address: Local<'i32'>;
  private readonly info: Local<'i32'>;
  /** One bit for each local that some exit stores; several words when there are more. */
  private readonly masks: Local<'i32'>[] = [];
  private readonly bits = new Map<string, { readonly index: number; readonly store: () => void }>();
  private label: Label | undefined;

  constructor(
    private readonly f: FunctionBuilder,
    private readonly context: Local<'i32'>,
    private readonly fuel: Local<'i32'>,
    private readonly registers: Registers,
  ) {
    this.address = f.local('i32');
    this.info = f.local('i32');
  }

  /** Runs `body`, which must not fall through, inside of the exits' block. */
  around(body: () => void): void {
    this.f.block((label) => {
      this.label = label;
      body();
    });
  }

  /** Leaves the region. */
  leave({ pc, interpret, kind, executed }: Exit): void {
    const { f } = this;
    if (!this.label) throw new Error('an exit outside of the region');
    const words: number[] = [];
    for (const index of this.dirtyBits()) {
      const word = Math.floor(index / WORD);
      words[word] = (words[word] ?? 0) | (1 << (index % WORD));
    }
    words.forEach((word, i) => f.set(this.mask(i), i32.const(word)));
    const mark = interpret ? 1 : 0;
    f.set(
      this.address,
      typeof pc === 'number' ? i32.const(pc | mark) : i32.or(pc, i32.const(mark)),
    );
    f.set(this.info, i32.const((executed << KIND_BITS) | kind));
    f.br(this.label);
  }

  /**
   * Stores what the masks say and returns from the region; comes after everything else.
   * @param give leaves with so much fuel, to an address
   */
  finish(give: (fuel: Expr<'i32'>, address: Expr<'i32'>) => void): void {
    const { f, context, fuel } = this;
    for (const { index, store } of this.bits.values()) {
      const mask = this.mask(Math.floor(index / WORD));
      f.if(i32.and(mask, i32.const(1 << (index % WORD))), store);
    }
    const counter = f.local('i32');
    const kind = i32.and(this.info, i32.const((1 << KIND_BITS) - 1));
    f.set(counter, i32.add(i32.load(context, HART.regions), i32.shl(kind, i32.const(3))));
    count(f, counter, REGIONS.exits, i64.const(1));
    const left = i32.sub(fuel, i32.shr_s(this.info, i32.const(KIND_BITS)));
    give(left, this.address);
  }

  private mask(word: number): Local<'i32'> {
    return (this.masks[word] ??= this.f.local('i32'));
  }

  private dirtyBits(): number[] {
    const { registers } = this;
    const { dirtyX, dirtyF, double } = registers.state;
    return [
      ...registersIn(dirtyX).map((n) => this.bit(`x${n}`, () => registers.storeX(n))),
      ...registersIn(dirtyF & double).map((n) => this.bit(`d${n}`, () => registers.storeDouble(n))),
      ...registersIn(dirtyF & ~double).map((n) =>
        this.bit(`s${n}`, () => registers.storeSingle(n)),
      ),
    ];
  }

  private bit(name: string, store: () => void): number {
    const index = this.bits.get(name)?.index ?? this.bits.size;
    if (!this.bits.has(name)) this.bits.set(name, { index, store });
    return index;
  }
}
