import { CodeWriter, localAt, type Expr, type Label, type Local, type ValueType } from './code';

/**
 * Writes one function: statements in order, expressions inside them. Structured control flow takes
 * callbacks, so that the nesting in the TypeScript source is the nesting of the WebAssembly.
 */
export class FunctionBuilder {
  readonly code = new CodeWriter(512);
  readonly locals: ValueType[] = [];
  private readonly free = new Map<ValueType, Local[]>();

  constructor(
    readonly params: readonly ValueType[],
    readonly results: readonly ValueType[],
  ) {}

  param<T extends ValueType>(index: number, type: T): Local<T> {
    if (this.params[index] !== type) {
      throw new Error(`parameter ${index} is ${this.params[index] ?? 'missing'}, not ${type}`);
    }
    return localAt(type, index);
  }

  /** A new local variable; zero at first. */
  local<T extends ValueType>(type: T): Local<T> {
    this.locals.push(type);
    return localAt(type, this.params.length + this.locals.length - 1);
  }

  /**
   * Runs `body` with temporary locals that may be used again after it: keeps the number of locals of a
   * function with hundreds of independent parts small.
   */
  scope(body: (temp: <T extends ValueType>(type: T) => Local<T>) => void): void {
    const taken: Local[] = [];
    const temp = <T extends ValueType>(type: T): Local<T> => {
      const reused = this.free.get(type)?.pop();
      const local = reused ? localAt(type, reused.index) : this.local(type);
      taken.push(local);
      return local;
    };
    body(temp);
    for (const local of taken) {
      const list = this.free.get(local.type);
      if (list) list.push(local);
      else this.free.set(local.type, [local]);
    }
  }

  /** Evaluates an expression for its effect; a value that it leaves is dropped. */
  do(effect: Expr): void {
    effect.emit(this.code);
    if (effect.type !== 'void') this.code.u8(0x1a);
  }

  set<T extends ValueType>(local: Local<T>, value: Expr<T>): void {
    value.emit(this.code);
    this.code.u8(0x21).uleb(local.index);
  }

  if(condition: Expr<'i32'>, then: () => void, otherwise?: () => void): void {
    condition.emit(this.code);
    this.code.open(0x04, 'void');
    then();
    if (otherwise) {
      this.code.u8(0x05);
      otherwise();
    }
    this.code.close();
  }

  /** A block: a branch to its label leaves it. */
  block(body: (leave: Label) => void): void {
    const label = this.code.open(0x02, 'void');
    body(label);
    this.code.close();
  }

  /** A loop: a branch to its label starts the next round; falling through ends it. */
  loop(body: (again: Label) => void): void {
    const label = this.code.open(0x03, 'void');
    body(label);
    this.code.close();
  }

  while(condition: Expr<'i32'>, body: () => void): void {
    this.loop((again) => {
      this.if(condition, () => {
        body();
        this.br(again);
      });
    });
  }

  br(label: Label): void {
    this.code.u8(0x0c).label(label);
  }

  brIf(label: Label, condition: Expr<'i32'>): void {
    condition.emit(this.code);
    this.code.u8(0x0d).label(label);
  }

  return(value?: Expr): void {
    value?.emit(this.code);
    this.code.u8(0x0f);
  }

  /**
   * A jump table: runs `cases[index]`, or `otherwise` when `index` is past the end. Cases do not fall
   * through: each must leave by a branch or a return.
   * @param places the case for each index, negative for `otherwise` [each index its own]
   */
  switch(
    index: Expr<'i32'>,
    cases: readonly (() => void)[],
    otherwise: () => void,
    places: readonly number[] = cases.map((_, i) => i),
  ): void {
    const labels: Label[] = [];
    const last = this.code.open(0x02, 'void');
    for (let i = cases.length - 1; i >= 0; i--) labels[i] = this.code.open(0x02, 'void');
    index.emit(this.code);
    this.code.u8(0x0e).uleb(places.length);
    for (const place of places) this.code.label(labels[place] ?? last);
    this.code.label(last);
    for (const body of cases) {
      this.code.close();
      body();
    }
    this.code.close();
    otherwise();
  }
}
