import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import type { Machine } from '../../../emulator';
import { compileModule } from '../../../emulator/engine/host';
import { interpreterModule } from '../../../emulator/engine/interpreter-module';
import { practise } from '../../../emulator/engine/translator/practice';
import { RegionStore } from '../../../emulator/engine/translator/region-store';
import * as unit from '../../../emulator/engine/translator/unit';
import { assemble } from '../../../emulator/isa';
import { AddressSpace, Arena, EXECUTE, READ, WRITE } from '../../../emulator/memory';
import { PoolControl } from '../../../emulator/multiprocess/pool-control';
import { prepareTranslator } from '../../../emulator/multiprocess/spare-translator';
import { TranslationThread } from '../../../emulator/multiprocess/translation-thread';
import { HOST_ENTRIES, poolOf } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';
import { machineOf } from './stress';

const machines = keptMachines();
const folder = mkdtempSync(join(tmpdir(), 'hartscope-translator-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LOOP = `
  loop:
    addi t0, t0, 1
    xor t1, t1, t0
    j loop`;

/** Runs in pieces, with turns of the event loop between them, until code runs translated. */
async function runUntilTranslated(machine: Machine): Promise<void> {
  await vi.waitFor(
    () => {
      machine.run(1_000_000);
      expect(machine.engineStatistics.translatedInstructions).toBeGreaterThan(0);
    },
    { timeout: 60_000, interval: 1 },
  );
}

describe('a thread that is prepared before there is a machine', () => {
  test('translates for the next machine, which translates nothing itself', async () => {
    const translate = vi.spyOn(unit, 'translateUnit');
    prepareTranslator(HOST_ENTRIES.pool);
    const machine = machineOf(LOOP, poolOf(1));
    machines.push(machine);
    await runUntilTranslated(machine);
    expect(translate).not.toHaveBeenCalled();
    translate.mockRestore();
  });

  test('is reported when it ends by a fault, and the machine translates itself', async () => {
    const entry = join(folder, 'broken.mjs');
    writeFileSync(entry, 'throw new Error("broken on purpose");\n');
    prepareTranslator(entry);
    const log: string[] = [];
    const pool = { entry, threads: 1 };
    const machine = machineOf(LOOP, pool, undefined, { log: (text) => log.push(text) });
    machines.push(machine);
    await runUntilTranslated(machine);
    expect(log).toContain('The thread that translates has ended: broken on purpose');
  });

  test('has practised on code of which modules come out', () => {
    const modules = practise().map(({ module }) => compileModule(module.bytes));
    expect(modules).toHaveLength(2);
  });
});

describe('the thread that translates', () => {
  test('goes on after code that it cannot translate, and does not try that again', () => {
    const arena = Arena.create({ frames: 64, harts: 4, spaces: 4 });
    const space = AddressSpace.create(arena);
    const [bad, good] = [0x10000, 0x11000];
    space.map(bad, 2 * 4096, READ | WRITE | EXECUTE);
    for (const address of [bad, good]) space.write(address, assemble(LOOP).bytes);
    const store = new RegionStore();
    const reports: string[] = [];
    const control = new PoolControl().buffer;
    const { memory } = arena;
    const interpreter = interpreterModule('plain');
    const thread = new TranslationThread(
      { memory, control, translations: store.buffer, interpreter },
      (text) => reports.push(text),
    );
    const { translateUnit } = unit;
    const translate = vi.spyOn(unit, 'translateUnit').mockImplementation((source, pc, options) => {
      if (pc === bad) throw new RangeError('too much');
      return translateUnit(source, pc, options);
    });
    for (const pc of [bad, bad, good]) {
      store.requests.put({ space: space.id, pc, mode: 'soft', limit: 32, table: 0 });
      thread.translateNext();
    }
    expect(reports).toEqual(['The code at 0x10000 stays interpreted: too much']);
    expect(translate.mock.calls.map(([, pc]) => pc)).toEqual([bad, good]);
    expect(store.read(store.begin).module?.entries).toContain(good);
    translate.mockRestore();
  });
});
