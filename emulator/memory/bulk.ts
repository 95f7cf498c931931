import {
  atomicFence,
  f64,
  i32,
  i64,
  memory,
  ModuleBuilder,
  unreachable,
  type FunctionBuilder,
} from '../wasm';
import { ENTRY_READ, HEADER, NODE_ENTRIES } from './arena-layout';
import { HART, PAGE_SIZE } from './layout';

/**
 * Copies and fills in the arena. Typed arrays over shared memory move word by word (1.5 µs to clear a
 * frame), WebAssembly's bulk instructions do it at the host's own speed (0.09 µs).
 */
export interface Bulk {
  /** Copies `length` bytes from arena address `from` to `to`. */
  copy(to: number, from: number, length: number): void;
  /** 1 when `length` bytes at two arena addresses are equal, else 0; the length is a multiple of 32. */
  equal(one: number, other: number, length: number): number;
  /** Sets `length` bytes at arena address `to` to zero. */
  clear(to: number, length: number): void;
  /**
   * Copies a page-table node and counts one more reference for everything that it refers to:
   * `counts` is the arena address of the i32 counters, an entry refers to number `entry >>> shift`,
   * number 0 is not counted.
   */
  copyNode(to: number, from: number, counts: number, shift: number): void;
  /**
   * Takes one reference away from each frame or node that a page-table node refers to; `counts` and `shift` as for
   * `copyNode`. Those whose last reference that was stand in the node's first words afterwards.
   * @returns how many they are
   */
  dropNode(node: number, counts: number, shift: number): number;
  /**
   * Writes the read deltas of `count` pages from guest address `address` on that may be read, to arena address `deltas`;
   * `entries` is that of their page-table entries, `frames` that of frame 0, which is always zero.
   * @returns how many of them had none
   */
  fillReads(
    deltas: number,
    entries: number,
    address: number,
    count: number,
    frames: number,
  ): number;
  /**
   * Writes an event (events.ts has the layout): `ring` and `at` are the arena addresses of the hart's ring and of the
   * event's place there, `context` that of the hart's context. A task has some twenty, so each nanosecond counts.
   */
  writeEvent(
    ring: number,
    at: number,
    context: number,
    kind: number,
    page: number,
    from: number,
    to: number,
    time: number,
  ): void;
}

function build(): WebAssembly.Module {
  const module = new ModuleBuilder();

  const copy = module.function(['i32', 'i32', 'i32'], []);
  const [copyTo, copyFrom, copyLength] = [0, 1, 2].map((n) => copy.builder.param(n, 'i32'));
  copy.builder.do(memory.copy(copyTo, copyFrom, copyLength));
  module.export('copy', copy.index);

  const equal = module.function(['i32', 'i32', 'i32'], ['i32']);
  buildEqual(equal.builder);
  module.export('equal', equal.index);

  const clear = module.function(['i32', 'i32'], []);
  const [clearTo, clearLength] = [0, 1].map((n) => clear.builder.param(n, 'i32'));
  clear.builder.do(memory.fill(clearTo, i32.const(0), clearLength));
  module.export('clear', clear.index);

  const node = module.function(['i32', 'i32', 'i32', 'i32'], []);
  const b = node.builder;
  const [to, from, counts, shift] = [0, 1, 2, 3].map((n) => b.param(n, 'i32'));
  const end = b.local('i32');
  const entry = b.local('i32');
  const target = b.local('i32');
  b.set(end, i32.add(from, i32.const(4 * NODE_ENTRIES)));
  b.loop((again) => {
    b.set(entry, i32.load(from));
    b.do(i32.store(to, entry));
    b.set(target, i32.shr_u(entry, shift));
    b.if(target, () => {
      b.do(i32.rmw_add(i32.add(counts, i32.shl(target, i32.const(2))), i32.const(1)));
    });
    b.set(to, i32.add(to, i32.const(4)));
    b.set(from, i32.add(from, i32.const(4)));
    b.brIf(again, i32.ne(from, end));
  });
  module.export('copyNode', node.index);

  const drop = module.function(['i32', 'i32', 'i32'], ['i32']);
  buildDropNode(drop.builder);
  module.export('dropNode', drop.index);

  const fill = module.function(['i32', 'i32', 'i32', 'i32', 'i32'], ['i32']);
  buildFillReads(fill.builder);
  module.export('fillReads', fill.index);

  const words = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;
  const event = module.function([...words, 'f64'], []);
  buildWriteEvent(event.builder);
  module.export('writeEvent', event.index);
  return new WebAssembly.Module(module.build());
}

/** Thirty-two bytes at a time. */
function buildEqual(b: FunctionBuilder): void {
  const [one, other, length] = [0, 1, 2].map((n) => b.param(n, 'i32'));
  const end = b.local('i32');
  const differing = (offset: number) => i64.xor(i64.load(one, offset), i64.load(other, offset));
  b.set(end, i32.add(one, length));
  b.loop((again) => {
    const first = i64.or(differing(0), differing(8));
    const second = i64.or(differing(16), differing(24));
    b.if(i32.eqz(i64.eqz(i64.or(first, second))), () => b.return(i32.const(0)));
    b.set(one, i32.add(one, i32.const(32)));
    b.set(other, i32.add(other, i32.const(32)));
    b.brIf(again, i32.ne(one, end));
  });
  b.return(i32.const(1));
  b.do(unreachable);
}

function buildDropNode(b: FunctionBuilder): void {
  const [node, counts, shift] = [0, 1, 2].map((n) => b.param(n, 'i32'));
  const at = b.local('i32');
  const end = b.local('i32');
  const freed = b.local('i32');
  const target = b.local('i32');
  const word = i32.const(4);
  b.set(at, node);
  b.set(freed, node);
  b.set(end, i32.add(node, i32.const(4 * NODE_ENTRIES)));
  b.loop((again) => {
    b.set(target, i32.shr_u(i32.load(at), shift));
    b.if(target, () => {
      const before = i32.rmw_sub(i32.add(counts, i32.shl(target, i32.const(2))), i32.const(1));
      b.if(i32.eq(before, i32.const(1)), () => {
        b.do(i32.store(freed, target));
        b.set(freed, i32.add(freed, word));
      });
    });
    b.set(at, i32.add(at, word));
    b.brIf(again, i32.ne(at, end));
  });
  b.return(i32.shr_u(i32.sub(freed, node), i32.const(2)));
  b.do(unreachable);
}

function buildFillReads(b: FunctionBuilder): void {
  const [deltas, entries, address, count, frames] = [0, 1, 2, 3, 4].map((n) => b.param(n, 'i32'));
  const entry = b.local('i32');
  const at = b.local('i32');
  const end = b.local('i32');
  const news = b.local('i32');
  // Who sees a delta sees what its frame holds.
  b.do(atomicFence);
  b.set(end, i32.add(deltas, i32.shl(count, i32.const(2))));
  b.loop((again) => {
    b.set(entry, i32.load(entries));
    b.if(i32.and(entry, i32.const(ENTRY_READ)), () => {
      b.set(at, i32.add(frames, i32.and(entry, i32.const(-PAGE_SIZE))));
      // No delta is 0: the page whose address is the zero frame's reads from the other one.
      b.if(i32.eq(at, address), () => b.set(at, i32.add(frames, i32.const(PAGE_SIZE))));
      b.set(news, i32.add(news, i32.eqz(i32.load(deltas))));
      b.do(i32.store(deltas, i32.sub(at, address)));
    });
    b.set(entries, i32.add(entries, i32.const(4)));
    b.set(address, i32.add(address, i32.const(PAGE_SIZE)));
    b.set(deltas, i32.add(deltas, i32.const(4)));
    b.brIf(again, i32.ne(deltas, end));
  });
  b.return(news);
  b.do(unreachable);
}

function buildWriteEvent(b: FunctionBuilder): void {
  const [ring, at, context, kind, page, from, to] = [0, 1, 2, 3, 4, 5, 6].map((n) =>
    b.param(n, 'i32'),
  );
  const time = b.param(7, 'f64');
  const written = b.local('i32');
  b.set(written, i32.add(i32.load(ring), i32.const(1)));
  b.do(i32.store(ring, written, 4));
  [kind, page, from, to].forEach((value, n) => b.do(i32.store(at, value, 4 * n)));
  b.do(i64.store(at, i64.load(context, HART.instret), 16));
  b.do(i64.store(at, i64.load(context, HART.pc), 24));
  b.do(f64.store(at, time, 32));
  const sequence = i32.rmw_add(i32.const(4 * HEADER.eventSequence), i32.const(1));
  b.do(i32.store(at, i32.add(sequence, i32.const(1)), 40));
  b.do(i32.atomic_store(ring, written));
}

let compiled: WebAssembly.Module | undefined;

/** The bulk operations on one arena, for the calling thread. */
export function bulkOperations(arena: WebAssembly.Memory): Bulk {
  compiled ??= build();
  const instance = new WebAssembly.Instance(compiled, { env: { memory: arena } });
  return instance.exports as unknown as Bulk;
}
