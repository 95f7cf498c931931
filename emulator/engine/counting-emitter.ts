import { HART } from '../memory/layout';
import { i32, i64, type Expr, type Local } from '../wasm';
import { bumpRecord, writeEnter, writeLeave } from './call-code';
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
    const { record } = this.state;
    this.whenLinked(RECORD.rd, () => {
      this.leaveIfPending();
      const target = i32.add(record, i32.add(this.imm32(), i32.const(this.bias)));
      this.enter(this.let(i32.load(target, RECORD.pc)));
    });
    this.countTaken();
    super.jump();
  }

  override jumpIndirect(address: Expr<'i64'>): void {
    const target = this.let(i64.and(address, i64.const(-2n)));
    const { f, context } = this.state;
    const where = this.let(i32.wrap_i64(target));
    f.block((done) => {
      this.whenLinked(RECORD.rd, () => {
        this.leaveIfPending();
        this.enter(where);
        f.br(done);
      });
      this.whenLinked(RECORD.rs1, () => {
        this.leaveIfPending();
        writeLeave(f, context, where, this.fuelAfter(), this.temp);
      });
    });
    super.jumpIndirect(target);
  }

  protected override arrive = (found: Local<'i32'>): void => {
    const { f, context } = this.state;
    bumpRecord(f, context, found, COUNTER.arrivals, this.temp);
  };

  /** The instruction calls a function. */
  private enter(target: Local<'i32'>): void {
    const { f, context, record, calls } = this.state;
    const site = this.let(i32.load(record, RECORD.pc + this.bias));
    // Of jumps that link this field has the bytes of the instruction.
    const returnAddress = i32.add(site, i32.load16_u(record, RECORD.rs2 + this.bias));
    const executed = { site, target, returnAddress, fuel: this.fuelAfter() };
    writeEnter(f, context, calls!, executed, this.temp);
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
