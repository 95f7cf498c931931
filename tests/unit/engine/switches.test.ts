import { afterEach, describe, expect, it } from 'vitest';
import { Arrivals } from '../../../emulator/engine/translator/arrivals';
import { discoverRegion } from '../../../emulator/engine/translator/discovery';
import { perfectHash } from '../../../emulator/engine/translator/perfect-hash';
import type { RegionSource } from '../../../emulator/engine/translator/region';
import { REQUEST_BYTES, TranslationRequests } from '../../../emulator/engine/translator/requests';
import { assemble } from '../../../emulator/isa/assembler';
import { CODE } from '../../support/assembly-guest';
import { EVERYTHING, GuestHart } from '../../support/guest-hart';
import { Random } from '../../support/random';

/** Addresses of handlers, and bytecode, whose instructions are numbers of handlers. */
const TABLE = CODE + 0x1000;
const PROGRAM = CODE + 0x2000;

const DISPATCH = `
  lbu t1, 0(s1)
  addi s1, s1, 1
  slli t1, t1, 3
  add t1, t1, s2
  ld t1, 0(t1)
  jalr zero, 0(t1)`;

/** The first one stands for the end of the program: it begins again. */
const HANDLERS = {
  again: 'addi s1, s3, 0\nj next',
  add: 'addi a0, a0, 1\nj next',
  // With a loop, and a copy of the dispatch.
  sum: `addi a2, zero, 5\nround: add a1, a1, a2\naddi a2, a2, -1\nbne a2, zero, round${DISPATCH}`,
  // Handlers change places: the first two after this one.
  swap: `ld a3, 32(s2)\nld a4, 40(s2)\nsd a3, 40(s2)\nsd a4, 32(s2)\nj next`,
  left: `slli a0, a0, 1${DISPATCH}`,
  right: 'srli a0, a0, 2\naddi a0, a0, 7\nj next',
  // The immediate of \`patched\` counts up.
  patch: `lw a5, 0(s4)\nlui a6, 256\nadd a5, a5, a6\nsw a5, 0(s4)\nfence.i\nj next`,
  patched: 'addi a7, a7, 1\nj next',
  // Into the handler before it, past its first instruction.
  inside: `xor a1, a1, a0\nj next`,
};
const NAMES = Object.keys(HANDLERS);

interface Code {
  readonly bytes: Uint8Array;
  readonly addressOf: (name: string) => number;
}

function codeOf(): Code {
  let text = `next: ${DISPATCH}`;
  const addresses = new Map<string, number>();
  for (const [name, body] of Object.entries(HANDLERS)) {
    addresses.set(name, CODE + assemble(text, { base: CODE }).bytes.length);
    text += `\n${name}: ${body}`;
  }
  return {
    bytes: assemble(text, { base: CODE }).bytes,
    addressOf: (name) => addresses.get(name)!,
  };
}

const harts: GuestHart[] = [];
afterEach(() => harts.splice(0).forEach((hart) => hart.close()));

/** A hart that interprets bytecode; `change` has the handlers' addresses. */
function interpreterOf(
  engine: 'translator' | 'interpreter',
  program: readonly string[],
  change: (table: BigUint64Array) => void = () => undefined,
): GuestHart {
  const code = codeOf();
  const hart = new GuestHart({ engine });
  harts.push(hart);
  const table = BigUint64Array.from(NAMES, (name) => BigInt(code.addressOf(name)));
  change(table);
  hart.load(CODE, code.bytes, EVERYTHING);
  hart.load(TABLE, new Uint8Array(table.buffer), EVERYTHING);
  const words = [...program.map((name) => NAMES.indexOf(name)), 0];
  hart.load(PROGRAM, Uint8Array.from(words), EVERYTHING);
  hart.state.pc = CODE;
  const registers = { 9: PROGRAM, 18: TABLE, 19: PROGRAM, 20: code.addressOf('patched') };
  for (const [n, value] of Object.entries(registers)) hart.state.setX(Number(n), BigInt(value));
  return hart;
}

/** Stops and states of a program on both engines, at the same random places. */
function both(
  program: readonly string[],
  change?: (table: BigUint64Array) => void,
  stops = 60,
): readonly [seen: unknown[], expected: unknown[]] {
  const seen = (engine: 'translator' | 'interpreter'): unknown[] => {
    const hart = interpreterOf(engine, program, change);
    const random = new Random(7);
    return Array.from({ length: stops }, () => ({
      stop: hart.run(1 + random.below(900)),
      ...hart.snapshot(),
    }));
  };
  return [seen('translator'), seen('interpreter')];
}

describe('translated code with a switch', () => {
  it('goes on inside where an indirect jump leads to one of its cases', () => {
    const hart = interpreterOf('translator', ['add', 'sum', 'left', 'right', 'add']);
    hart.run(1_000_000);
    const { entries, translatedInstructions } = hart.engine.stats;
    expect(translatedInstructions).toBeGreaterThan(900_000);
    // One of some fifteen instructions is an indirect jump.
    expect(entries).toBeLessThan(5000);
  });

  it.each<[string, string[], number?]>([
    ['computes', ['add', 'sum', 'left', 'right', 'add', 'sum']],
    ['changes its own table', ['add', 'swap', 'left', 'right', 'swap', 'sum', 'left', 'swap']],
    ['changes the code of a case', ['add', 'patched', 'sum', 'patch', 'patched', 'right'], 15],
  ])('does what interpreted code does when the program %s', (_, program, stops) => {
    const [seen, expected] = both(program, undefined, stops);
    expect(seen).toEqual(expected);
  });

  it.each<[string, (right: bigint) => bigint]>([
    ['into the middle of an instruction', (right) => right + 2n],
    ['past the first instruction of a case', (right) => right + 4n],
    ['to an odd address', (right) => right + 1n],
    ['where there is no code', () => 0x7000_0000n],
    ['beyond 4 GiB', (right) => right + (1n << 32n)],
  ])('does what interpreted code does when the table leads %s', (_, change) => {
    // The first instruction of `right` is compressed or not: each way both engines see the same.
    const [seen, expected] = both(['add', 'left', 'right', 'sum'], (table) => {
      const right = NAMES.indexOf('right');
      table[right] = change(table[right]);
    });
    expect(seen).toEqual(expected);
  });

  it('stops at a breakpoint in a case', () => {
    const hart = interpreterOf('translator', ['add', 'left', 'right', 'sum']);
    hart.run(50_000);
    const at = codeOf().addressOf('right');
    hart.engine.code.setBreakpoint(at);
    expect(hart.run(50_000)).toEqual({ kind: 'breakpoint' });
    expect(hart.state.pc).toBe(at);
  });
});

describe('a region with a switch', () => {
  const { bytes, addressOf } = codeOf();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const source: RegionSource = {
    fetch: (at) =>
      at >= CODE && at + 2 <= CODE + bytes.length ? view.getUint16(at - CODE, true) : undefined,
    isBreakpoint: () => false,
    isReached: () => true,
    data: () => undefined,
  };

  it('begins at each place that an indirect jump leads to, if control gets to another one from there', () => {
    const targets = [addressOf('add'), addressOf('left'), CODE + bytes.length];
    const region = discoverRegion(source, targets[0], { targets })!;
    expect(region.entries).toEqual(targets.slice(0, 2));
    expect(region.blocks[0].terminator.kind).toBe('switch');
  });

  it('is none with a single place', () => {
    const targets = [addressOf('add')];
    expect(discoverRegion(source, targets[0], { targets })).toBeUndefined();
  });
});

describe('what a switch is found by', () => {
  it('gives each address a place of its own', () => {
    const random = new Random(3);
    for (let count = 2; count <= 48; count++) {
      const addresses = Array.from(
        { length: count },
        (_, i) => 0x10000 + 64 * i + 2 * random.below(32),
      );
      const { factor, bits, places } = perfectHash(addresses);
      addresses.forEach((address, i) => {
        expect(places[Math.imul(address >>> 1, factor) >>> (32 - bits)]).toBe(i);
      });
    }
  });

  it('is asked for with the places that are met most often first, and once', () => {
    const arrivals = new Arrivals();
    const groups: (readonly number[])[] = [];
    for (let i = 0; i < 400; i++) {
      // Far away there is one hot place, which is no group.
      for (const pc of [0x1000, 0x1200, 0x1000, 0x90000, 0x1100, 0x1000, 0x1200]) {
        arrivals.sample(pc, 'clear', (places) => groups.push(places) > 0);
      }
    }
    expect(groups).toEqual([[0x1000, 0x1200, 0x1100]]);
  });

  it('is asked for again while there is no room for the request, and for another mode', () => {
    const arrivals = new Arrivals();
    let asked = 0;
    const sample = (mode: 'clear' | 'sticky', isTaken: boolean): void => {
      for (let i = 0; i < 60; i++) {
        arrivals.sample(0x1000 + 64 * (i % 4), mode, () => {
          asked += 1;
          return isTaken;
        });
      }
    };
    sample('clear', false);
    expect(asked).toBeGreaterThan(1);
    asked = 0;
    sample('clear', true);
    sample('sticky', true);
    expect(asked).toBe(2);
  });

  it('reaches the thread that translates', () => {
    const requests = new TranslationRequests(new SharedArrayBuffer(REQUEST_BYTES));
    const request = { space: 1, pc: 0xfffffff0, mode: 'clear', limit: 1000, table: 64 } as const;
    requests.put({ ...request, targets: [0xfffffff0, 0x10000] });
    expect(requests.take()).toEqual({ ...request, targets: [0xfffffff0, 0x10000] });
    requests.put(request);
    expect(requests.take()).toEqual({ ...request, targets: [] });
  });
});
