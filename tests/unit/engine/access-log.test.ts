import { afterEach, describe, expect, test } from 'vitest';
import {
  LOG_KIND,
  LogEntry,
  type AccessLog,
  type AccessObserver,
} from '../../../emulator/engine/access-log';
import { closeGuests, DATA, guest, type AssemblyGuest } from '../../support/assembly-guest';

afterEach(closeGuests);

interface Entry {
  readonly kind: number;
  readonly size: number;
  readonly address: number;
  readonly pc: number;
  readonly instret: number;
  readonly value: bigint;
  readonly old: bigint | undefined;
}

const quad = (low: number, high: number): bigint => BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n);

/** Collects all entries as plain objects. */
class Collector implements AccessObserver {
  readonly entries: Entry[] = [];

  accesses(log: AccessLog): void {
    for (let n = 0; n < log.length; n++) {
      const entry = log.read(n, new LogEntry());
      this.entries.push({
        kind: entry.kind,
        size: entry.size,
        address: entry.address,
        pc: entry.pc,
        instret: entry.instret,
        value: quad(entry.valueLow, entry.valueHigh),
        old: entry.isOldKnown ? quad(entry.oldLow, entry.oldHigh) : undefined,
      });
    }
  }
}

function observed(
  text: string,
  registers?: Record<string, bigint | number>,
): [AssemblyGuest, Collector] {
  const made = guest(text, { registers });
  const collector = new Collector();
  made.engine.observe(collector);
  return [made, collector];
}

describe('the access log', () => {
  test('has each access in order, with pc, instruction count and values', () => {
    const [made, { entries }] = observed(
      `start: sd a1, 0(a0)
       first: sw a2, 0(a0)
       second: lhu a3, 2(a0)
       third: amoadd.w a4, a2, (a0)
       fence rw, rw
       lr.d t0, (a0)
       sc.d t1, a1, (a0)
       sc.d t1, a1, (a0)
       ebreak`,
      { a0: DATA, a1: 0x1122334455667788n, a2: 7 },
    );
    made.toBreak();
    const at = (label: string): number => made.label(label);
    expect(entries).toEqual([
      {
        kind: LOG_KIND.store,
        size: 8,
        address: DATA,
        pc: at('start'),
        instret: 0,
        value: 0x1122334455667788n,
        old: 0n,
      },
      {
        kind: LOG_KIND.store,
        size: 4,
        address: DATA,
        pc: at('first'),
        instret: 1,
        value: 7n,
        old: 0x55667788n,
      },
      {
        kind: LOG_KIND.load,
        size: 2,
        address: DATA + 2,
        pc: at('second'),
        instret: 2,
        value: 0n,
        old: undefined,
      },
      {
        kind: LOG_KIND.amo,
        size: 4,
        address: DATA,
        pc: at('third'),
        instret: 3,
        value: 0n,
        old: 7n,
      },
      {
        kind: LOG_KIND.fence,
        size: 0,
        address: 0,
        pc: at('third') + 4,
        instret: 4,
        value: 0n,
        old: undefined,
      },
      {
        kind: LOG_KIND.loadReserved,
        size: 8,
        address: DATA,
        pc: at('third') + 8,
        instret: 5,
        value: 0x112233440000000en,
        old: undefined,
      },
      {
        kind: LOG_KIND.storeConditional,
        size: 8,
        address: DATA,
        pc: at('third') + 12,
        instret: 6,
        value: 0x1122334455667788n,
        old: undefined,
      },
    ]);
    expect(made.x('t1')).toBe(1n);
  });

  test('counts exactly in long loops of fused instructions, and across calls of the engine', () => {
    const [made, { entries }] = observed(
      `loop: lw t0, 0(a0)
         addi t0, t0, 1
         sw t0, 0(a0)
         addi a1, a1, -1
         bnez a1, loop
         ebreak`,
      { a0: DATA, a1: 5000 },
    );
    expect(made.run(12_345)).toEqual({ kind: 'fuel' });
    made.toBreak();
    expect(entries).toHaveLength(10_000);
    expect(made.state.instret).toBe(25_000);
    const wrong = entries.findIndex(
      ({ kind, instret, value }, i) =>
        kind !== i % 2 ||
        instret !== 5 * Math.floor(i / 2) + 2 * (i % 2) ||
        Number(value) !== Math.floor(i / 2) + (i % 2),
    );
    expect(wrong).toBe(-1);
  });

  test('has one entry for an access that crosses pages, none for one that faults', () => {
    const [made, { entries }] = observed(
      `sd a1, 0(a0)
       ld a2, 0(a0)
       ld a3, 0(zero)
       ebreak`,
      { a0: DATA + 4092, a1: 0x0102030405060708n },
    );
    expect(made.run(10).kind).toBe('fault');
    expect(entries.map(({ kind, address, size, value }) => [kind, address, size, value])).toEqual([
      [LOG_KIND.store, DATA + 4092, 8, 0x0102030405060708n],
      [LOG_KIND.load, DATA + 4092, 8, 0x0102030405060708n],
    ]);
  });

  test('ends when nobody observes any more, and the program goes on the same', () => {
    const [made, { entries }] = observed(
      `loop: sw a1, 0(a0)
       addi a1, a1, -1
       bnez a1, loop
       ebreak`,
      { a0: DATA, a1: 2000 },
    );
    made.run(3000);
    made.engine.observe(undefined);
    made.toBreak();
    expect(entries).toHaveLength(1000);
    expect(made.space.readU32(DATA)).toBe(1);
  });
});
