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

/** Each thread forks the parent again and again, writes to its forks and looks what it sees. */
const WORKER = `
import { workerData, parentPort } from 'node:worker_threads';
import { AddressSpace, Arena } from './memory.js';
const { memory, id, seed, rounds, base, pages } = workerData;
const arena = Arena.attach(memory);
const parent = AddressSpace.attach(arena, id);
let random = seed;
const next = (n) => (random = (Math.imul(random, 1664525) + 1013904223) >>> 0) % n;
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
