import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AddressSpace, Arena, pageState, READ, WRITE } from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';

/** A frame as the rules tell of it; who refers to it is found by looking at all spaces. */
type Frame = Uint8Array;

interface Page {
  /** Null: never written, reads as zero. */
  frame: Frame | null;
  protection: number;
  kind: 'own' | 'lent' | 'borrowed';
}

/** The rules of loans for one space, page by page, without tables, logs, deltas or shared nodes. */
class Model {
  readonly pages = new Map<number, Page>();
  readonly borrowers = new Set<Model>();
  isHeld = true;
  /** Has unmapped pages of its private range: the lender's do not appear there any more. */
  isClosed = false;

  constructor(
    readonly family: Set<Model>,
    readonly lender: Model | undefined,
    readonly first: number,
    readonly end: number,
  ) {
    family.add(this);
    lender?.borrowers.add(this);
  }

  isCommon(page: number): boolean {
    return this.lender !== undefined && !(page >= this.first && page < this.end);
  }

  owner(page: number): Model {
    return this.isCommon(page) && this.lender ? this.lender.owner(page) : this;
  }

  /** Who else refers to the frame. */
  isShared(frame: Frame): boolean {
    let references = 0;
    for (const model of this.family) {
      for (const page of model.pages.values()) if (page.frame === frame) references += 1;
    }
    return references > 1;
  }

  visible(page: number): Page | undefined {
    const own = this.pages.get(page);
    if (own || (this.isClosed && !this.isCommon(page))) return own;
    return this.lender?.visible(page);
  }

  /** What `adopt` would adopt. */
  isStale(page: number): boolean {
    const own = this.pages.get(page);
    if (!own || own.kind === 'borrowed' || !this.isCommon(page)) return false;
    const owned = this.owner(page).pages.get(page);
    return owned !== undefined && owned.frame !== own.frame;
  }

  touch(page: number): Page | undefined {
    const own = this.pages.get(page);
    const seen = this.visible(page);
    if (own || !seen || seen.protection === 0) return seen;
    const { protection } = seen;
    if (this.isCommon(page)) {
      const owner = this.owner(page);
      owner.touch(page);
      const frame = owner.lend(page);
      this.pages.set(page, { frame, protection, kind: 'borrowed' });
    } else {
      const frame = seen.frame && seen.frame.slice();
      this.pages.set(page, { frame, protection, kind: 'own' });
    }
    return this.pages.get(page);
  }

  write(page: number, offset: number, byte: number): boolean {
    const found = this.touch(page);
    if (!found || (found.protection & WRITE) === 0) return false;
    const owner = this.owner(page);
    if (owner !== this && !owner.pages.has(page)) throw new Error('a page without its owner');
    const frame = owner === this ? this.own(page) : owner.lend(page);
    const { protection } = found;
    for (const model of this.until(owner)) {
      model.pages.set(page, { frame, protection, kind: 'borrowed' });
    }
    frame[offset] = byte;
    return true;
  }

  adopt(): number {
    const stale = [...this.pages.keys()].filter((page) => this.isStale(page));
    for (const page of stale) {
      const own = this.pages.get(page);
      if (own) Object.assign(own, { frame: this.owner(page).lend(page), kind: 'borrowed' });
    }
    return stale.length;
  }

  fork(isLoan: boolean, first: number, end: number): Model {
    const child = new Model(this.family, isLoan ? this : undefined, first, end);
    for (const [page, own] of this.pages) {
      const isTogether = own.kind !== 'own' && own.frame !== null && this.isShared(own.frame);
      if (!isTogether) own.kind = 'own';
      child.pages.set(page, {
        frame: isTogether && own.frame ? own.frame.slice() : own.frame,
        protection: own.protection,
        kind: 'own',
      });
    }
    // What a plain fork could not borrow later any more.
    for (let at = this.lender; at && !isLoan; at = at.lender) {
      for (const page of at.pages.keys()) {
        const seen = this.visible(page);
        if (child.pages.has(page) || !seen) continue;
        const frame = seen.frame && seen.frame.slice();
        child.pages.set(page, { frame, protection: seen.protection, kind: 'own' });
      }
    }
    return child;
  }

  /** A memory call acts on the owners of the range and on all who borrow there. */
  change(page: number, body: (model: Model) => void): void {
    const owner = this.owner(page);
    const visit = (model: Model): void => {
      body(model);
      for (const borrower of model.borrowers) if (borrower.isCommon(page)) visit(borrower);
    };
    visit(owner);
  }

  leave(): void {
    if (this.isHeld || this.borrowers.size > 0) return;
    this.family.delete(this);
    this.lender?.borrowers.delete(this);
    this.lender?.leave();
  }

  /** This space and its lenders up to before the owner. */
  private until(owner: Model): Model[] {
    return owner === this ? [] : [this, ...(this.lender?.until(owner) ?? [])];
  }

  private own(page: number): Frame {
    const own = this.pages.get(page);
    if (!own) throw new Error('not mapped');
    if (own.frame === null) own.frame = new Uint8Array(4096);
    else if (own.kind === 'own' && this.isShared(own.frame)) own.frame = own.frame.slice();
    return own.frame;
  }

  private lend(page: number): Frame {
    const frame = this.own(page);
    const own = this.pages.get(page);
    if (own) own.kind = 'lent';
    return frame;
  }
}

/** Around the border of two leaves and of two middle nodes. */
const FIRST = 4096 - 70;
const COUNT = 140;
/** Few pages are touched often, so that spaces meet; the log of 64 pages overflows now and then. */
const arena = Arena.create({
  frames: 2000,
  recordBytes: 0,
  harts: 2,
  spaces: 24,
  nodes: 2048,
  tablePairs: 3,
});

const which = fc.nat(9);
const page = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 66, max: 74 }) },
  { weight: 1, arbitrary: fc.nat(COUNT - 1) },
);
const range = fc.tuple(page, fc.oneof(fc.nat(4), fc.nat(100)));
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      which,
      page,
      offset: fc.nat(4095),
      byte: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fill' as const), which, range }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('read' as const), which, page }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('adopt' as const), which }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('loan' as const),
      which,
      range,
      keepWrites: fc.boolean(),
      tables: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fork' as const), which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('destroy' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('map' as const),
      which,
      range,
      protection: fc.constantFrom(0, READ, READ | WRITE),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unmap' as const), which, range }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('protect' as const),
      which,
      range,
      protection: fc.constantFrom(0, READ, READ | WRITE),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
interface Pair {
  readonly space: AddressSpace;
  readonly model: Model;
}

function run(pairs: Pair[], action: Step): void {
  const index = action.which % pairs.length;
  const pair = pairs[index];
  if (!pair) return;
  const { space, model } = pair;
  const [first, count] = 'range' in action ? action.range : [0, 0];
  const from = FIRST + first;
  const end = Math.min(from + count + 1, FIRST + COUNT);
  switch (action.do) {
    case 'write': {
      const at = FIRST + action.page;
      const expected = model.write(at, action.offset, action.byte);
      expect(space.writeU8(at * 4096 + action.offset, action.byte)).toBe(expected);
      break;
    }
    case 'fill':
      for (let at = from; at < end; at++) {
        expect(space.writeU8(at * 4096, at & 0xff)).toBe(model.write(at, 0, at & 0xff));
      }
      break;
    case 'read': {
      const at = FIRST + action.page;
      const found = space.readU8(at * 4096 + 7);
      const seen = model.touch(at);
      const isReadable = seen !== undefined && (seen.protection & READ) !== 0;
      expect(found).toBe(isReadable ? (seen.frame?.[7] ?? 0) : undefined);
      break;
    }
    case 'adopt':
      expect(space.adopt()).toBe(model.adopt());
      break;
    case 'loan': {
      if (pairs.length >= 8) break;
      const { keepWrites } = action;
      const tables = action.tables && arena.deltas.take(0xffffffff);
      if (tables) arena.deltas.giveBack(tables);
      const child = space.forkLoan({
        privateRange: [from, end],
        keepWrites,
        tables: Boolean(tables),
      });
      pairs.push({ space: child, model: model.fork(true, from, end) });
      break;
    }
    case 'fork':
      if (pairs.length < 8) pairs.push({ space: space.fork(), model: model.fork(false, 0, 0) });
      break;
    case 'destroy':
      if (pairs.length > 1) {
        space.destroy();
        model.isHeld = false;
        model.leave();
        pairs.splice(index, 1);
      }
      break;
    case 'map':
      space.map(from * 4096, (end - from) * 4096, action.protection);
      for (let at = from; at < end; at++) {
        const { protection } = action;
        model.change(at, (one) => one.pages.delete(at));
        model.owner(at).pages.set(at, { frame: null, protection, kind: 'own' });
      }
      break;
    case 'unmap':
      space.unmap(from * 4096, (end - from) * 4096);
      for (let at = from; at < end; at++) {
        model.owner(at).isClosed = true;
        model.change(at, (one) => one.pages.delete(at));
      }
      break;
    case 'protect':
      space.protect(from * 4096, (end - from) * 4096, action.protection);
      for (let at = from; at < end; at++) {
        const { protection } = action;
        model.change(at, (one) => {
          const own = one.pages.get(at);
          if (own) own.protection = protection;
        });
      }
      break;
  }
}

function compare({ space, model }: Pair): void {
  const wrong: string[] = [];
  for (let at = FIRST; at < FIRST + COUNT; at++) {
    const seen = model.visible(at);
    const bytes = space.peek(at * 4096, 4096);
    const expected = seen ? (seen.frame ?? new Uint8Array(4096)) : new Uint8Array(0);
    if (Buffer.compare(bytes, expected) !== 0) wrong.push(`page ${at}: other bytes`);
    const own = model.pages.get(at);
    if ((pageState(space, at) === 'stale') !== model.isStale(at)) wrong.push(`page ${at}: stale`);
    const isBorrowed = own?.kind === 'borrowed';
    if ((pageState(space, at) === 'borrowed') !== isBorrowed) wrong.push(`page ${at}: borrowed`);
    if ((space.entry(at) & 7) !== (own?.protection ?? 0)) wrong.push(`page ${at}: protection`);
  }
  expect(wrong).toEqual([]);
}

it('lenders and borrowers do what the rules say, adopt what is stale and leak nothing', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      arena.reset();
      const space = AddressSpace.create(arena);
      const model = new Model(new Set(), undefined, 0, 0);
      space.map((FIRST + 60) * 4096, 40 * 4096, READ | WRITE);
      for (let at = FIRST + 60; at < FIRST + 100; at++) {
        model.pages.set(at, { frame: null, protection: READ | WRITE, kind: 'own' });
      }
      const pairs: Pair[] = [{ space, model }];
      for (const action of steps) run(pairs, action);
      for (const pair of pairs) compare(pair);
      expect(checkTables(arena)).toEqual([]);
      for (const pair of pairs) pair.space.destroy();
      expect([arena.frames.used, arena.nodes.used, arena.spaces.used]).toEqual([0, 0, 0]);
      expect(checkTables(arena)).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
