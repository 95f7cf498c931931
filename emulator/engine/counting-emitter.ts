import { HART } from '../memory/layout';
import { call, i32, i64, type Expr } from '../wasm';
import { bumpRecord } from './call-code';
import { COUNTER, COUNTING, isLink } from './counting-layout';
import { InterpreterEmitter } from './interpreter-emitter';
import { REASON, RECORD } from './records';

/** The link registers, as records name registers. */
const LINKS = Array.from({ length: 32 }, (_, n) => n)
  .filter(isLink)
  .map((n) => HART.x + 8 * n);

/**
 * The interpreter's handlers with one thing more: they count where control does not just go on to the next
 * instruction, and keep track of calls and returns. Everything else follows (flow-counts.ts, call-graph.ts).
 */
export class CountingEmitter extends InterpreterEmitter {
  override branch(condition: Expr<'i32'>): void {
    this.state.f.if(condition, () => {
      this.countTaken();
      this.move(this.imm32());
    });
  }

  override jump(): void {
    const { f, record, context } = this.state;
    this.whenLinked(RECORD.rd, () => {
      this.leaveIfPending();
      const target = i32.add(record, i32.add(this.imm32(), i32.const(this.bias)));
      f.do(
        call(this.functions.enter, 'void', context, ...this.callee(i32.load(target, RECORD.pc))),
      );
    });
    this.countTaken();
    super.jump();
  }

  override jumpIndirect(address: Expr<'i64'>): void {
    const target = this.let(i64.and(address, i64.const(-2n)));
    const { f, context } = this.state;
    const where = i32.wrap_i64(target);
    f.block((done) => {
      this.whenLinked(RECORD.rd, () => {
        this.leaveIfPending();
        f.do(call(this.functions.enter, 'void', context, ...this.callee(where)));
        f.br(done);
      });
      this.whenLinked(RECORD.rs1, () => {
        this.leaveIfPending();
        f.do(call(this.functions.leave, 'void', context, where, this.fuelAfter()));
      });
    });
    super.jumpIndirect(target);
  }

  protected override arrive = (found: Expr<'i32'>): void => {
    this.state.f.do(call(this.functions.arrive, 'void', this.state.context, found));
  };

  private get functions() {
    return this.state.calls!;
  }

  /** Site, target, return address and fuel of a call. */
  private callee(target: Expr<'i32'>): Expr<'i32'>[] {
    const { record } = this.state;
    const site = i32.load(record, RECORD.pc + this.bias);
    // Of jumps that link this field has the bytes of the instruction.
    const length = i32.load16_u(record, RECORD.rs2 + this.bias);
    return [site, target, i32.add(site, length), this.fuelAfter()];
  }

  /** The fuel when this instruction has run. */
  private fuelAfter(): Expr<'i32'> {
    const { bound, record, beside } = this.state;
    const left = i32.shr_s(i32.sub(bound, record), i32.const(4));
    return i32.add(beside, i32.sub(left, i32.const(this.bias / RECORD.size + 1)));
  }

  private leaveIfPending(): void {
    this.state.f.if(i32.load(this.state.context, COUNTING.pending), () => this.leave(REASON.calls));
  }

  private whenLinked(field: number, then: () => void): void {
    const register = this.let(i32.load16_u(this.state.record, field + this.bias));
    const [ra, t0] = LINKS;
    this.state.f.if(i32.or(i32.eq(register, i32.const(ra)), i32.eq(register, i32.const(t0))), then);
  }

  private countTaken(): void {
    const { f, context, record } = this.state;
    const own = this.bias === 0 ? record : this.let(i32.add(record, i32.const(this.bias)));
    bumpRecord(f, context, own, COUNTER.taken, (type) => this.temp(type));
  }
}
