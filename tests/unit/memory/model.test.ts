import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AddressSpace,
  Arena,
  pageRuns,
  pageTotals,
  READ,
  WRITE,
  EXECUTE,
  OutOfMemory,
} from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';

/** What a page is, said as simply as can be: each space has its own map and forks copy it. */
interface ModelPage {
  protection: number;
  isGuard: boolean;
  bytes: Uint8Array;
}

/** One space beside its model. */
class Pair {
  readonly installed: { page: number; former: ModelPage | undefined }[] = [];

  constructor(
    readonly space: AddressSpace,
    readonly pages: Map<number, ModelPage>,
  ) {}

  fork(tables: boolean): Pair {
    const copy = new Map<number, ModelPage>();
    for (const [page, model] of this.pages) {
      copy.set(page, { ...model, bytes: model.bytes.slice() });
    }
    return new Pair(this.space.fork({ tables }), copy);
  }
}

const PAGE = 4096;
/** Pages around the border of two middle nodes, so that every level has borders in the range. */
const FIRST = 4096 - 70;
const COUNT = 140;
const arena = Arena.create({ frames: 600, recordBytes: 0, harts: 2, spaces: 16, nodes: 1024 });

const range = fc
  .tuple(fc.nat(COUNT - 1), fc.nat(COUNT - 1))
  .map(([a, b]) => ({ page: FIRST + Math.min(a, b), count: Math.abs(a - b) + 1 }));
const protection = fc.constantFrom(0, READ, READ | WRITE, EXECUTE, READ | EXECUTE, 7);
const somewhere = fc.nat(COUNT * PAGE - 1).map((offset) => FIRST * PAGE + offset);
const which = fc.nat(7);

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('map' as const), which, range, protection }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('guard' as const), which, range }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unmap' as const), which, range }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('protect' as const), which, range, protection }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constantFrom('write' as const, 'poke' as const),
      which,
      address: somewhere,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('read' as const), which, address: somewhere }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('fork' as const), which, tables: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('install' as const),
      which,
      address: somewhere,
      protection,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('uninstall' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('code' as const), which, address: somewhere }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clean' as const), which }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const withRead = (flags: number): number => ((flags & WRITE) !== 0 ? flags | READ : flags);

function run(pairs: Pair[], action: Step): void {
  const index = action.which % pairs.length;
  const pair = pairs[index];
  if (!pair) return;
  const { space, pages } = pair;
  switch (action.do) {
    case 'map':
    case 'guard': {
      const { page, count } = action.range;
      const flags = action.do === 'map' ? withRead(action.protection) : 0;
      space.map(page * PAGE, count * PAGE, flags, { guard: action.do === 'guard' });
      for (let p = page; p < page + count; p++) {
        const bytes = new Uint8Array(PAGE);
        pages.set(p, { protection: flags, isGuard: action.do === 'guard', bytes });
      }
      forget(pair, page, count);
      break;
    }
    case 'unmap': {
      const { page, count } = action.range;
      space.unmap(page * PAGE, count * PAGE);
      for (let p = page; p < page + count; p++) pages.delete(p);
      forget(pair, page, count);
      break;
    }
    case 'protect': {
      const { page, count } = action.range;
      let isWhole = true;
      for (let p = page; p < page + count; p++) {
        const model = pages.get(p);
        if (model)
          Object.assign(model, { protection: withRead(action.protection), isGuard: false });
        else isWhole = false;
      }
      expect(space.protect(page * PAGE, count * PAGE, action.protection)).toBe(isWhole);
      break;
    }
    case 'write':
    case 'poke': {
      const isAllowed = (address: number): boolean => {
        const model = pages.get(Math.floor(address / PAGE));
        return model !== undefined && (action.do === 'poke' || (model.protection & WRITE) !== 0);
      };
      let done = 0;
      for (const byte of action.bytes) {
        const address = action.address + done;
        if (!isAllowed(address)) break;
        const model = pages.get(Math.floor(address / PAGE));
        if (model) model.bytes[address % PAGE] = byte;
        done += 1;
      }
      expect(space[action.do](action.address, action.bytes)).toBe(done);
      break;
    }
    case 'read': {
      const model = pages.get(Math.floor(action.address / PAGE));
      const found = space.resolve(action.address, 'read', 1);
      if (model && (model.protection & READ) !== 0) {
        expect(typeof found === 'number' && arena.u8[found]).toBe(
          model.bytes[action.address % PAGE],
        );
      } else {
        const kind = !model ? 'unmapped' : model.isGuard ? 'guard' : 'protection';
        expect(found).toEqual({ kind, access: 'read', address: action.address });
      }
      break;
    }
    case 'fork':
      if (pairs.length < 8) pairs.push(pair.fork(action.tables && pairs.length < 4));
      break;
    case 'destroy':
      if (pairs.length > 1) {
        space.destroy();
        pairs.splice(index, 1);
      }
      break;
    case 'install': {
      const page = Math.floor(action.address / PAGE);
      const bytes = new Uint8Array(PAGE).fill(page & 0xff);
      space.install(page, bytes, action.protection);
      pair.installed.push({ page, former: pages.get(page) });
      pages.set(page, { protection: withRead(action.protection), isGuard: false, bytes });
      break;
    }
    case 'uninstall': {
      const last = pair.installed.pop();
      if (!last) break;
      expect(space.uninstall(last.page)).toBe(true);
      if (last.former) pages.set(last.page, last.former);
      else pages.delete(last.page);
      break;
    }
    case 'code': {
      const page = Math.floor(action.address / PAGE);
      expect(space.markCode(page)).toBe(pages.has(page));
      break;
    }
    case 'clean':
      space.clearDirty();
      break;
  }
}

/** Mapping or unmapping a range forgets what was installed there. */
function forget(pair: Pair, page: number, count: number): void {
  for (let i = pair.installed.length - 1; i >= 0; i--) {
    const at = pair.installed[i]?.page ?? 0;
    if (at >= page && at < page + count) pair.installed.splice(i, 1);
  }
}

function compare({ space, pages }: Pair): void {
  const wrong: number[] = [];
  for (let page = FIRST; page < FIRST + COUNT; page++) {
    const model = pages.get(page);
    const bytes = space.peek(page * PAGE, PAGE);
    const isSame = model
      ? Buffer.compare(bytes, model.bytes) === 0 && (space.entry(page) & 7) === model.protection
      : bytes.length === 0;
    if (!isSame) wrong.push(page);
  }
  expect(wrong).toEqual([]);
  const totals = pageTotals(pageRuns(space));
  expect(totals.unmapped).toBe(2 ** 20 - pages.size);
}

describe('address spaces', () => {
  it('do what a simple model does, keep their tables consistent and leak nothing', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        arena.reset();
        const pairs = [new Pair(AddressSpace.create(arena), new Map<number, ModelPage>())];
        for (const action of steps) {
          try {
            run(pairs, action);
          } catch (error) {
            // With the frames used up the model no longer says what happened: end this sequence here.
            if (!(error instanceof OutOfMemory)) throw error;
            break;
          }
        }
        expect(arena.frames.used).toBeLessThanOrEqual(600);
        for (const pair of pairs) compare(pair);
        expect(checkTables(arena)).toEqual([]);
        for (const { space } of pairs) space.destroy();
        expect([arena.frames.used, arena.nodes.used, arena.spaces.used]).toEqual([0, 0, 0]);
        expect(checkTables(arena)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('keep their tables consistent when frames and nodes run out', () => {
    const small = Arena.create({ frames: 12, recordBytes: 0, harts: 1, spaces: 16, nodes: 24 });
    let exhausted = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 120 }), (steps) => {
        small.reset();
        const spaces = [AddressSpace.create(small)];
        for (const action of steps) {
          const index = action.which % spaces.length;
          const space = spaces[index];
          if (!space) continue;
          try {
            if (action.do === 'map') {
              space.map(action.range.page * PAGE, action.range.count * PAGE, action.protection);
            } else if (action.do === 'unmap') {
              space.unmap(action.range.page * PAGE, action.range.count * PAGE);
            } else if (action.do === 'protect') {
              space.protect(action.range.page * PAGE, action.range.count * PAGE, action.protection);
            } else if (action.do === 'write' || action.do === 'poke') {
              if (space.poke(action.address, action.bytes) < action.bytes.length) exhausted += 1;
            } else if (action.do === 'fork' && spaces.length < 8) {
              spaces.push(space.fork());
            } else if (action.do === 'install') {
              space.install(Math.floor(action.address / PAGE), Uint8Array.of(1), READ);
            } else if (action.do === 'code') {
              space.markCode(Math.floor(action.address / PAGE));
            } else if (action.do === 'clean') {
              space.clearDirty();
            } else if (action.do === 'destroy' && spaces.length > 1) {
              space.destroy();
              spaces.splice(index, 1);
            }
          } catch (error) {
            if (!(error instanceof OutOfMemory)) throw error;
            exhausted += 1;
          }
        }
        expect(checkTables(small)).toEqual([]);
        for (const space of spaces) space.destroy();
        expect([small.frames.used, small.nodes.used]).toEqual([0, 0]);
      }),
      { numRuns: 150 },
    );
    expect(exhausted).toBeGreaterThan(0);
  });
});
