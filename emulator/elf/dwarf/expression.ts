import { DW_OP } from './operations';
import { DwarfReader } from './reader';
import {
  calculate,
  compare,
  convert,
  fromInteger,
  generic,
  integerOf,
  type Comparison,
  type StackType,
  type StackValue,
} from './typed-value';

/** Where an object is, or what it is when it is nowhere (DWARF 5, section 2.6). */
export type ObjectPlace =
  | { readonly kind: 'memory'; readonly address: bigint }
  | { readonly kind: 'register'; readonly register: number }
  /** Computed: bits of a value of at most 64 bits. */
  | { readonly kind: 'value'; readonly bits: bigint }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A pointer to something that has no address any more: the entry it points to, and where in it. */
  | { readonly kind: 'implicit-pointer'; readonly entry: number; readonly offset: number }
  | { readonly kind: 'pieces'; readonly pieces: readonly Piece[] }
  | { readonly kind: 'optimized-out' };

export interface Piece {
  readonly place: ObjectPlace;
  readonly bits: number;
  /** Bits of the place that are skipped before the piece. */
  readonly skipped: number;
}

/** Why a value cannot be had: a register that was not saved, memory that is not there … */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
}

/** What an expression may ask about the frame that it is evaluated in. */
export interface ExpressionContext {
  readonly is64: boolean;
  readonly addressSize: number;
  readonly version: number;
  /** What is added to linked addresses. */
  readonly base: number;
  /** A register's bits by its DWARF number. @throws UnavailableError */
  register(number: number): bigint;
  /** An unsigned number in memory. @throws UnavailableError */
  memory(address: bigint, size: number): bigint;
  /** @throws UnavailableError */
  frameBase(): bigint;
  /** @throws UnavailableError */
  cfa(): bigint;
  /** The value that an expression had when the function was called. @throws UnavailableError */
  entryValue(expression: Uint8Array): bigint;
  /** Address of thread-local storage. @throws UnavailableError */
  threadLocal(offset: bigint): bigint;
  indexedAddress(index: number): number;
  /** A base type by its entry's offset in the unit; undefined is the generic type. */
  baseType(offset: number): StackType | undefined;
  /** Address of the object that the expression is about (DW_OP_push_object_address). */
  readonly object?: bigint;
}

/** Steps that one evaluation may take: an expression can loop. */
const MAX_STEPS = 10_000;
const MAX_STACK = 1000;

/**
 * Where an expression says that an object is.
 * @param initial is on the stack at first
 * @throws UnavailableError when something that it needs is not known, DwarfError when it cannot be read
 */
export function evaluateLocation(
  expression: Uint8Array,
  context: ExpressionContext,
  initial?: bigint,
): ObjectPlace {
  return new Evaluation(expression, context, initial).location();
}

/**
 * The value of an expression: the top of its stack at the end. A register stands for what is in it.
 * @throws as `evaluateLocation`
 */
export function evaluateValue(
  expression: Uint8Array,
  context: ExpressionContext,
  initial?: bigint,
): bigint {
  const place = evaluateLocation(expression, context, initial);
  if (place.kind === 'memory') return place.address;
  if (place.kind === 'register') return context.register(place.register);
  if (place.kind === 'value') return place.bits;
  throw new UnavailableError('the expression has no plain value');
}

/** What ends a simple location description. */
type Ending = Exclude<ObjectPlace, { readonly kind: 'memory' | 'pieces' }>;

class Evaluation {
  private readonly stack: StackValue[] = [];
  private readonly reader: DwarfReader;
  private readonly pieces: Piece[] = [];
  private ending: Ending | undefined;

  constructor(
    expression: Uint8Array,
    private readonly context: ExpressionContext,
    initial: bigint | undefined,
  ) {
    this.reader = new DwarfReader('location expression', expression);
    if (initial !== undefined) this.stack.push(generic(initial));
    if (expression.length === 0) this.ending = { kind: 'optimized-out' };
  }

  location(): ObjectPlace {
    const { reader } = this;
    for (let steps = 0; !reader.done; steps++) {
      if (steps > MAX_STEPS) throw new UnavailableError('the location expression does not end');
      if (this.stack.length > MAX_STACK) reader.fail('the stack of the expression is too deep');
      this.step(reader.u8());
    }
    if (this.pieces.length > 0) return { kind: 'pieces', pieces: this.pieces };
    return this.simple();
  }

  /** What the operations since the last piece describe. */
  private simple(): ObjectPlace {
    const { ending } = this;
    this.ending = undefined;
    if (ending) return ending;
    if (this.stack.length === 0) return { kind: 'optimized-out' };
    return { kind: 'memory', address: this.pop().bits };
  }

  private step(opcode: number): void {
    if (opcode >= DW_OP.lit0 && opcode <= DW_OP.lit31) this.push(BigInt(opcode - DW_OP.lit0));
    else if (opcode >= DW_OP.reg0 && opcode <= DW_OP.reg31) {
      this.ending = { kind: 'register', register: opcode - DW_OP.reg0 };
    } else if (opcode >= DW_OP.breg0 && opcode <= DW_OP.breg31) {
      this.push(this.context.register(opcode - DW_OP.breg0) + this.reader.sleb64());
    } else if (!this.constant(opcode) && !this.shuffle(opcode) && !this.arithmetic(opcode)) {
      this.other(opcode);
    }
  }

  private constant(opcode: number): boolean {
    const { reader, context } = this;
    switch (opcode) {
      case DW_OP.addr:
        this.push(BigInt(reader.unsigned(context.addressSize) + context.base));
        return true;
      case DW_OP.addrx:
        this.push(BigInt(context.indexedAddress(reader.uleb()) + context.base));
        return true;
      case DW_OP.constx:
        this.push(BigInt(context.indexedAddress(reader.uleb())));
        return true;
      case DW_OP.const1u:
        this.push(BigInt(reader.u8()));
        return true;
      case DW_OP.const1s:
        this.push(BigInt(reader.i8()));
        return true;
      case DW_OP.const2u:
        this.push(BigInt(reader.u16()));
        return true;
      case DW_OP.const2s:
        this.push(BigInt((reader.u16() << 16) >> 16));
        return true;
      case DW_OP.const4u:
        this.push(BigInt(reader.u32()));
        return true;
      case DW_OP.const4s:
        this.push(BigInt(reader.i32()));
        return true;
      case DW_OP.const8u:
      case DW_OP.const8s:
        this.push(reader.bits64());
        return true;
      case DW_OP.constu:
        this.push(reader.uleb64());
        return true;
      case DW_OP.consts:
        this.push(reader.sleb64());
        return true;
      default:
        return false;
    }
  }

  private shuffle(opcode: number): boolean {
    const { stack } = this;
    switch (opcode) {
      case DW_OP.dup:
        stack.push(this.top(0));
        return true;
      case DW_OP.drop:
        this.pop();
        return true;
      case DW_OP.over:
        stack.push(this.top(1));
        return true;
      case DW_OP.pick:
        stack.push(this.top(this.reader.u8()));
        return true;
      case DW_OP.swap: {
        const [first, second] = [this.pop(), this.pop()];
        stack.push(first, second);
        return true;
      }
      case DW_OP.rot: {
        const [first, second, third] = [this.pop(), this.pop(), this.pop()];
        stack.push(first, third, second);
        return true;
      }
      default:
        return false;
    }
  }

  private arithmetic(opcode: number): boolean {
    const unary = UNARY[opcode];
    if (unary) {
      const value = this.pop();
      this.stack.push(fromInteger(unary(integerOf(value)), value.type));
      return true;
    }
    const comparison = COMPARISONS[opcode];
    const calculation = CALCULATIONS[opcode];
    const bitwise = BITWISE[opcode];
    if (!comparison && !calculation && !bitwise) return false;
    const right = this.pop();
    const left = this.pop();
    if (comparison) this.push(compare(comparison, left, right) ? 1n : 0n);
    else if (calculation) {
      const result = calculate(calculation, left, right);
      if (!result) throw new UnavailableError('the location expression divides by zero');
      this.stack.push(result);
    } else if (bitwise) {
      const width = (left.type?.size ?? 8) * 8;
      this.stack.push(fromInteger(bitwise(left, BigInt.asUintN(64, right.bits), width), left.type));
    }
    return true;
  }

  private other(opcode: number): void {
    const { reader, context } = this;
    switch (opcode) {
      case DW_OP.nop:
      case DW_OP.gnuUninit:
        return;
      case DW_OP.plusUconst: {
        const value = this.pop();
        this.stack.push(fromInteger(value.bits + reader.uleb64(), value.type));
        return;
      }
      case DW_OP.skip:
        return this.jump(true);
      case DW_OP.bra:
        return this.jump(this.pop().bits !== 0n);
      case DW_OP.regx:
        this.ending = { kind: 'register', register: reader.uleb() };
        return;
      case DW_OP.bregx: {
        const register = context.register(reader.uleb());
        return this.push(register + reader.sleb64());
      }
      case DW_OP.fbreg:
        return this.push(context.frameBase() + reader.sleb64());
      case DW_OP.callFrameCfa:
        return this.push(context.cfa());
      case DW_OP.deref:
        return this.push(context.memory(this.pop().bits, context.addressSize));
      case DW_OP.derefSize: {
        const size = this.size(reader.u8());
        return this.push(context.memory(this.pop().bits, size));
      }
      case DW_OP.pushObjectAddress:
        if (context.object === undefined) throw new UnavailableError('there is no object');
        return this.push(context.object);
      case DW_OP.formTlsAddress:
      case DW_OP.gnuPushTlsAddress:
        return this.push(context.threadLocal(this.pop().bits));
      default:
        if (!this.typed(opcode)) this.describe(opcode);
    }
  }

  /** Operations with base types (section 2.5.1.6). */
  private typed(opcode: number): boolean {
    const { reader, context } = this;
    switch (opcode) {
      case DW_OP.constType:
      case DW_OP.gnuConstType: {
        const type = context.baseType(reader.uleb());
        const bytes = reader.block(reader.u8());
        const bits = [...bytes].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
        this.stack.push({ bits: BigInt.asUintN(64, bits), type });
        return true;
      }
      case DW_OP.regvalType:
      case DW_OP.gnuRegvalType: {
        const bits = context.register(reader.uleb());
        const type = context.baseType(reader.uleb());
        this.stack.push({ bits: BigInt.asUintN((type?.size ?? 8) * 8, bits), type });
        return true;
      }
      case DW_OP.derefType:
      case DW_OP.gnuDerefType: {
        const size = this.size(reader.u8());
        const type = context.baseType(reader.uleb());
        this.stack.push({ bits: context.memory(this.pop().bits, size), type });
        return true;
      }
      case DW_OP.convert:
      case DW_OP.gnuConvert:
        this.stack.push(convert(this.pop(), context.baseType(reader.uleb())));
        return true;
      case DW_OP.reinterpret:
      case DW_OP.gnuReinterpret: {
        const type = context.baseType(reader.uleb());
        this.stack.push({ bits: this.pop().bits, type });
        return true;
      }
      case DW_OP.entryValue:
      case DW_OP.gnuEntryValue:
        this.push(context.entryValue(reader.block(reader.uleb())));
        return true;
      default:
        return false;
    }
  }

  /** Operations that end a location description. */
  private describe(opcode: number): void {
    const { reader, context } = this;
    switch (opcode) {
      case DW_OP.stackValue:
        this.ending = { kind: 'value', bits: this.pop().bits };
        return;
      case DW_OP.implicitValue:
        this.ending = { kind: 'bytes', bytes: reader.block(reader.uleb()) };
        return;
      case DW_OP.implicitPointer:
      case DW_OP.gnuImplicitPointer: {
        const entry =
          context.version <= 2 ? reader.unsigned(context.addressSize) : reader.offset(context.is64);
        this.ending = { kind: 'implicit-pointer', entry, offset: reader.sleb() };
        return;
      }
      case DW_OP.piece:
        return this.piece(reader.uleb() * 8, 0);
      case DW_OP.bitPiece: {
        const bits = reader.uleb();
        return this.piece(bits, reader.uleb());
      }
      case DW_OP.gnuParameterRef:
      case DW_OP.gnuVariableValue:
        throw new UnavailableError('<optimized out>');
      default:
        reader.fail(`the operation 0x${opcode.toString(16)} is not known`, -1);
    }
  }

  private piece(bits: number, skipped: number): void {
    if (bits > 1 << 24) this.reader.fail('a piece is too large');
    this.pieces.push({ place: this.simple(), bits, skipped });
    this.stack.length = 0;
  }

  private jump(taken: boolean): void {
    const { reader } = this;
    const by = (reader.u16() << 16) >> 16;
    if (!taken) return;
    const to = reader.at + by;
    if (to < 0 || to > reader.end) reader.fail('a jump leaves the expression');
    reader.at = to;
  }

  private size(bytes: number): number {
    return bytes >= 1 && bytes <= 8 ? bytes : this.reader.fail(`${bytes} bytes cannot be read`);
  }

  private push(bits: bigint): void {
    this.stack.push(generic(bits));
  }

  private pop(): StackValue {
    return this.stack.pop() ?? this.reader.fail('the stack of the expression is empty');
  }

  private top(below: number): StackValue {
    return this.stack.at(-1 - below) ?? this.reader.fail('the stack of the expression is empty');
  }
}

const UNARY: Readonly<Record<number, ((value: bigint) => bigint) | undefined>> = {
  [DW_OP.abs]: (value) => (value < 0n ? -value : value),
  [DW_OP.neg]: (value) => -value,
  [DW_OP.not]: (value) => ~value,
};

const CALCULATIONS: Readonly<Record<number, 'plus' | 'minus' | 'mul' | 'div' | 'mod' | undefined>> =
  {
    [DW_OP.plus]: 'plus',
    [DW_OP.minus]: 'minus',
    [DW_OP.mul]: 'mul',
    [DW_OP.div]: 'div',
    [DW_OP.mod]: 'mod',
  };

const COMPARISONS: Readonly<Record<number, Comparison | undefined>> = {
  [DW_OP.eq]: 'eq',
  [DW_OP.ne]: 'ne',
  [DW_OP.lt]: 'lt',
  [DW_OP.le]: 'le',
  [DW_OP.gt]: 'gt',
  [DW_OP.ge]: 'ge',
};

type Bitwise = (left: StackValue, right: bigint, width: number) => bigint;
const BITWISE: Readonly<Record<number, Bitwise | undefined>> = {
  [DW_OP.and]: ({ bits }, right) => bits & right,
  [DW_OP.or]: ({ bits }, right) => bits | right,
  [DW_OP.xor]: ({ bits }, right) => bits ^ right,
  [DW_OP.shl]: ({ bits }, right, width) => (right >= BigInt(width) ? 0n : bits << right),
  [DW_OP.shr]: ({ bits }, right, width) =>
    right >= BigInt(width) ? 0n : BigInt.asUintN(width, bits) >> right,
  [DW_OP.shra]: ({ bits }, right, width) =>
    BigInt.asIntN(width, bits) >> (right >= BigInt(width) ? BigInt(width - 1) : right),
};
