import { ByteWriter } from './bytes';

/** WebAssembly value types (spec, section 5.3.1). */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';
/** What an expression leaves on the stack: one value or none. */
export type ResultType = ValueType | 'void';

const TYPE_CODES: Record<ResultType, number> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  void: 0x40,
};

/** The binary code of a value type, or of an empty block type. */
export const typeCode = (type: ResultType): number => TYPE_CODES[type];

/** Where a branch goes: the nesting depth of the block or loop that it names. */
export interface Label {
  readonly depth: number;
}

/** The bytes of one function body, with the nesting depth that branches are counted from. */
export class CodeWriter extends ByteWriter {
  depth = 0;

  /** Opens `block` (0x02), `loop` (0x03) or `if` (0x04). */
  open(opcode: number, type: ResultType): Label {
    this.u8(opcode).u8(typeCode(type));
    this.depth += 1;
    return { depth: this.depth };
  }

  close(): this {
    this.depth -= 1;
    return this.u8(0x0b);
  }

  /** The operand of a branch: how many enclosing blocks lie between here and `label`. */
  label(label: Label): this {
    return this.uleb(this.depth - label.depth);
  }
}

/**
 * A piece of code that leaves one value (or none) on the stack. It is a plain function over the writer,
 * so that an expression can be built anywhere and is written where it is used, each time it is used.
 */
export interface Expr<T extends ResultType = ResultType> {
  readonly type: T;
  /** Set for constants: the value, for folding. */
  readonly constant?: bigint | number;
  emit(code: CodeWriter): void;
}

/** An expression from a function that writes it. */
export function expr<T extends ResultType>(type: T, emit: (code: CodeWriter) => void): Expr<T> {
  return { type, emit };
}

/** A local variable or parameter; reading it is an expression. */
export interface Local<T extends ValueType = ValueType> extends Expr<T> {
  readonly index: number;
}

export function localAt<T extends ValueType>(type: T, index: number): Local<T> {
  return { type, index, emit: (code) => code.u8(0x20).uleb(index) };
}

/** `select`: both values are computed, `condition` chooses. */
export function select<T extends ValueType>(
  condition: Expr<'i32'>,
  whenTrue: Expr<T>,
  whenFalse: Expr<T>,
): Expr<T> {
  return expr(whenTrue.type, (code) => {
    whenTrue.emit(code);
    whenFalse.emit(code);
    condition.emit(code);
    code.u8(0x1b);
  });
}

/** `if … else` with a value: only the chosen side is computed. */
export function choose<T extends ValueType>(
  condition: Expr<'i32'>,
  whenTrue: Expr<T>,
  whenFalse: Expr<T>,
): Expr<T> {
  return expr(whenTrue.type, (code) => {
    condition.emit(code);
    code.open(0x04, whenTrue.type);
    whenTrue.emit(code);
    code.u8(0x05);
    whenFalse.emit(code);
    code.close();
  });
}

/** A direct call of function number `index`. */
export function call<T extends ResultType>(
  index: number,
  result: T,
  ...args: readonly Expr[]
): Expr<T> {
  return expr(result, (code) => {
    for (const arg of args) arg.emit(code);
    code.u8(0x10).uleb(index);
  });
}

/** A call of the function at place `index` of the module's table; `signature` is the number of its type. */
export function callIndirect<T extends ResultType>(
  signature: number,
  index: Expr<'i32'>,
  result: T,
  ...args: readonly Expr[]
): Expr<T> {
  return expr(result, (code) => {
    for (const arg of args) arg.emit(code);
    index.emit(code);
    code.u8(0x11).uleb(signature).uleb(0);
  });
}
