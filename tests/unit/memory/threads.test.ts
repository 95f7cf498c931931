import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AddressSpace, Arena, READ, WRITE } from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';

const THREADS = 4;
const ROUNDS = 300;
const BASE = 0x100000;
const PAGES = 300;
let folder: string;
/** What a member of a family reports of one round. */
interface Result {
  readonly problems: string[];
  /** What it last stored to its word of each page. */
  readonly mine: [number, number][];
  readonly counted: number;
}

/** Each thread forks the parent again and again, writes to its forks and looks what it sees. */
const WORKER = `
import { workerData, parentPort } from 'node:worker_threads';
import { AddressSpace, Arena } from './memory.js';
const { memory, id, seed, rounds, base, pages } = workerData;
const arena = Arena.attach(memory);
const parent = AddressSpace.attach(arena, id);
let random = seed;
// The low bits of such a generator repeat soon.
const next = (n) => ((random = (Math.imul(random, 1664525) + 1013904223) >>> 0) >>> 12) % n;
const problems = [];
for (let round = 0; round < rounds; round++) {
  const child = parent.fork();
  const grandchild = next(2) ? child.fork() : child;
  for (let i = 0; i < 20; i++) {
    const page = next(pages);
    const before = grandchild.readU32(base + 4096 * page);
    if (before !== page + 1 && before !== seed) problems.push('page ' + page + ' held ' + before);
    grandchild.writeU32(base + 4096 * page, seed);
    if (grandchild.readU32(base + 4096 * page) !== seed) problems.push('lost a store');
    if (grandchild !== child && child.readU32(base + 4096 * page) !== page + 1) problems.push('a store shows through');
  }
  if (next(3) === 0) grandchild.unmap(base + 4096 * next(pages - 10), 10 * 4096);
  child.destroy();
  if (grandchild !== child) grandchild.destroy();
}
parentPort.postMessage(problems);
`;

/**
 * A space of a family: stores to its own word of each page, counts in a common word, looks at the others' words, maps and
 * unmaps, forks itself in both ways. What it does to others must be seen at once or after adopting, never backwards.
 */
const FAMILY_WORKER = `
import { workerData, parentPort } from 'node:worker_threads';
import { AddressSpace, Arena } from './memory.js';
const { memory, me, members, steps, base, pages, counter } = workerData;
const arena = Arena.attach(memory);
let random = 12345 + me;
// The low bits of such a generator repeat soon.
const next = (n) => ((random = (Math.imul(random, 1664525) + 1013904223) >>> 0) >>> 12) % n;
const last = new Map();
const mine = new Map();
let counted = 0;
parentPort.on('message', ({ id }) => {
  const problems = [];
  const slot = arena.safepoints.enter();
  const space = AddressSpace.attach(arena, id);
  if (me > 0) space.takeTables();
  last.clear();
  const word = (page, member) => base + 4096 * page + 4 + 4 * member;
  const store = (to, page) => {
    const value = (mine.get(page) ?? 0) + 1;
    mine.set(page, value);
    if (!to.writeU32(word(page, me), value)) problems.push('cannot write page ' + page);
    return value;
  };
  for (let step = 0; step < steps; step++) {
    const page = next(pages);
    switch (next(8)) {
      case 0:
      case 1: {
        const at = space.resolve(counter, 'write', 4);
        Atomics.add(arena.i32, at / 4, 1);
        counted += 1;
        break;
      }
      case 2:
        store(space, page);
        if (space.readU32(word(page, me)) !== mine.get(page)) problems.push('own store not seen');
        break;
      case 3: {
        if (next(2)) space.adopt();
        const member = next(members);
        const value = space.readU32(word(page, member));
        const key = page * members + member;
        if (!(value >= (last.get(key) ?? 0))) problems.push('page ' + page + ' went back to ' + value);
        last.set(key, value);
        break;
      }
      case 4: {
        const child = space.forkLoan({ privateRange: [base / 4096 + page, base / 4096 + page + 1] });
        const other = (page + 1 + next(pages - 1)) % pages;
        const before = space.readU32(word(page, me));
        child.writeU32(word(page, me), 0x7fffffff);
        const value = store(child, other);
        if (space.readU32(word(other, me)) !== value) problems.push('a loan is not seen');
        if (space.readU32(word(page, me)) !== before) problems.push('a private page is seen');
        child.adopt();
        child.destroy();
        break;
      }
      case 5: {
        if (me === 0) break; // others may be storing to the lender's own pages
        const value = store(space, page);
        const snapshot = space.fork();
        store(space, page);
        if (snapshot.readU32(word(page, me)) !== value) problems.push('not a snapshot');
        snapshot.writeU32(word(page, me), 1);
        snapshot.destroy();
        break;
      }
      case 6: {
        const window = 0x40000000 + 0x100000 * me;
        space.map(window, 4 * 4096, 3);
        space.writeU32(window + 4096, step);
        if (space.readU32(window + 4096) !== step) problems.push('a new page is not there');
        space.protect(window, 4096, 1);
        if (space.isWritable(window, 1)) problems.push('not protected');
        space.unmap(window, 4 * 4096);
        if (space.isReadable(window + 4096, 1)) problems.push('still mapped');
        break;
      }
      case 7:
        arena.safepoints.pass(slot);
        break;
    }
  }
  if (me > 0) space.destroy();
  arena.safepoints.leave(slot);
  parentPort.postMessage({ problems, mine: [...mine], counted });
});
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hartscope-memory-'));
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(import.meta.dirname, '../../../emulator/memory/index.ts'),
      outDir: folder,
      rollupOptions: { output: { entryFileNames: 'memory.js' } },
    },
  });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'worker.js'), WORKER);
  await writeFile(join(folder, 'family.js'), FAMILY_WORKER);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('threads that fork, write and unmap on one arena see their own pages and leak nothing', async () => {
  const arena = Arena.create({ frames: 8192, recordBytes: 0, harts: 1 });
  const space = AddressSpace.create(arena);
  space.map(BASE, PAGES * 4096, READ | WRITE);
  for (let page = 0; page < PAGES; page++) space.writeU32(BASE + 4096 * page, page + 1);
  const { memory } = arena;
  const results = await Promise.all(
    Array.from(
      { length: THREADS },
      (_, n) =>
        new Promise<string[]>((resolve, reject) => {
          const workerData = {
            memory,
            id: space.id,
            seed: 0x80000000 + n,
            rounds: ROUNDS,
            base: BASE,
            pages: PAGES,
          };
          const worker = new Worker(join(folder, 'worker.js'), { workerData });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
  expect(results.flat()).toEqual([]);
  expect(checkTables(arena)).toEqual([]);
  expect(arena.frames.used).toBe(PAGES);
  expect(arena.spaces.used).toBe(1);
  for (let page = 0; page < PAGES; page++) {
    expect(space.readU32(BASE + 4096 * page)).toBe(page + 1);
  }
});

it('a lender and its borrowers on threads of their own lose no store and leak nothing', async () => {
  const members = 5;
  const pages = 100;
  const rounds = 12;
  const arena = Arena.create({ frames: 8192, recordBytes: 0, harts: 1, tablePairs: members });
  const lender = AddressSpace.create(arena);
  lender.map(BASE, pages * 4096, READ | WRITE);
  const counter = BASE + 4096 * 50 + 4092;
  const workers = Array.from({ length: members }, (_, me) => {
    const { memory } = arena;
    const workerData = { memory, me, members, steps: 400, base: BASE, pages, counter };
    return new Worker(join(folder, 'family.js'), { workerData });
  });
  try {
    for (let round = 0; round < rounds; round++) {
      const borrowers = workers.slice(1).map(() => lender.forkLoan());
      const results = await Promise.all(
        [lender, ...borrowers].map(async ({ id }, n) => {
          const worker = workers[n];
          if (!worker) throw new Error('a worker for each space');
          const answer = once(worker, 'message');
          worker.postMessage({ id });
          const [result] = (await answer) as [Result];
          return result;
        }),
      );
      expect(results.flatMap(({ problems }) => problems)).toEqual([]);
      expect(checkTables(arena)).toEqual([]);
      for (const [me, { mine }] of results.entries()) {
        for (const [page, value] of mine) {
          expect(lender.readU32(BASE + 4096 * page + 4 + 4 * me)).toBe(value);
        }
      }
      const counted = results.reduce((sum, result) => sum + result.counted, 0);
      expect(lender.readU32(counter)).toBe(counted);
      expect(arena.spaces.used).toBe(1);
      expect(arena.frames.used).toBeLessThanOrEqual(pages);
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  lender.destroy();
  expect([arena.frames.used, arena.nodes.used]).toEqual([0, 0]);
}, 60_000);
