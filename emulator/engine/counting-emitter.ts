import type { Expr } from '../wasm';
import { i32, i64 } from '../wasm';
import { HART } from '../memory/layout';
import { CALL_ENTRY } from './call-log';
import { COUNTER } from './instruction-counter';
import { InterpreterEmitter } from './interpreter-emitter';
import { RECORD } from './records';

/** The link registers: a jump that writes one is a call, one that goes where one points is a return. */
const LINKS = [1, 5].map((n) => HART.x + 8 * n);

/**
 * The interpreter's handlers with one thing more: they count where control does not just go on to the next
 * instruction, and write down calls and returns. Everything else follows (flow-counts.ts, call-tree.ts).
 */
export class CountingEmitter extends InterpreterEmitter {
  override branch(condition: Expr<'i32'>): void {
    this.state.f.if(condition, () => {
      this.count(COUNTER.taken);
      this.move(this.imm32());
    });
  }

  override jump(): void {
    const { record } = this.state;
    this.count(COUNTER.taken);
    this.whenLinked(RECORD.rd, () => {
      const target = i32.add(record, i32.add(this.imm32(), i32.const(this.bias)));
      this.log(CALL_ENTRY.call, i32.load(target, RECORD.pc));
    });
    super.jump();
  }

  override jumpIndirect(address: Expr<'i64'>): void {
    const target = this.let(i64.and(address, i64.const(-2n)));
    const { f } = this.state;
    f.block((done) => {
      this.whenLinked(RECORD.rd, () => {
        this.log(CALL_ENTRY.call, i32.wrap_i64(target));
        f.br(done);
      });
      this.whenLinked(RECORD.rs1, () => this.log(CALL_ENTRY.return, i32.wrap_i64(target)));
    });
    super.jumpIndirect(target);
  }

  protected override arrive = (found: Expr<'i32'>): void => {
    this.bump(i32.add(found, i32.load(this.state.context, HART.counters)), COUNTER.arrivals);
  };

  private whenLinked(field: number, then: () => void): void {
    const register = this.let(i32.load16_u(this.state.record, field + this.bias));
    const [ra, t0] = LINKS;
    this.state.f.if(i32.or(i32.eq(register, i32.const(ra)), i32.eq(register, i32.const(t0))), then);
  }

  /** Counts at this instruction's own counters. */
  private count(field: number): void {
    const { context, record } = this.state;
    const counters = i32.load(context, HART.counters);
    this.bump(i32.add(i32.add(record, i32.const(this.bias)), counters), field);
  }

  private bump(counter: Expr<'i32'>, field: number): void {
    const at = this.let(counter);
    this.state.f.do(i64.store(at, i64.add(i64.load(at, field), i64.const(1)), field));
  }

  private log(kind: number, target: Expr<'i32'>): void {
    const { f, context, record, bound } = this.state;
    const at = this.let(i32.load(context, HART.log));
    const fuel = i32.sub(i32.sub(bound, record), i32.const(this.bias));
    f.do(i32.store(at, i32.load(record, RECORD.pc + this.bias), CALL_ENTRY.site));
    f.do(i32.store(at, target, CALL_ENTRY.target));
    f.do(i32.store(at, i32.or(fuel, i32.const(kind)), CALL_ENTRY.fuel));
    f.do(i32.store(context, i32.add(at, i32.const(CALL_ENTRY.size)), HART.log));
  }
}
