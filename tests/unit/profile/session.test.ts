import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Machine } from '../../../emulator';
import { validated } from '../../../emulator/debug/validate';
import { Terminal } from '../../../emulator/linux/terminal';
import { faultsOf } from '../../../emulator/profile/hart-summary';
import { addCounts, retired, type HartProfile } from '../../../emulator/profile/model';
import type { TimeRange } from '../../../emulator/profile/timed-samples';
import { Client } from '../debug/client';

const ARGS = ['call', '4', '512'];

function client(): Client {
  const made = new Client();
  onTestFinished(() => made.end());
  return made;
}

/** The same program at a terminal, without a debugger. */
function harts(): readonly HartProfile[] {
  const size = { columns: 80, rows: 24 };
  const now = (): number => performance.now();
  const terminal = new Terminal({ ...size, now, output: () => undefined });
  const machine = Machine.create({
    elf: readFileSync('guests/bin/mp-dot.elf'),
    args: ['mp-dot', ...ARGS],
    streams: { stdin: terminal, stdout: terminal, stderr: terminal },
    memoryLimit: 32 << 20,
    profile: true,
  });
  expect(machine.runToEnd()).toMatchObject({ kind: 'exited', status: 0 });
  const counted = machine.profile!.harts;
  machine.dispose();
  return counted;
}

describe('the debugger', () => {
  test('has the counts that a run without it has, whatever it stops and steps for', async () => {
    const debugged = client();
    const { session } = debugged;
    await debugged.open('mp-dot', ARGS, { profile: true });
    await session.addBreakpoint({ at: 'work', enabled: true });
    expect((await debugged.after(session.run())).stop).toMatchObject({ kind: 'breakpoint' });
    const { stopHart = 0 } = debugged.state;
    for (let i = 0; i < 3; i++) await debugged.after(session.stepInstruction(stopHart));
    expect((await session.profile()).instructions).toBe(debugged.state.instructions);
    await session.updateBreakpoint(1, { at: 'work', enabled: false });
    expect((await debugged.after(session.run())).stop).toMatchObject({ kind: 'exited' });

    const alone = harts();
    const profile = await session.profile();
    expect(profile.isCounting).toBe(true);
    expect(profile.harts).toEqual(
      alone.map((each) => ({
        hart: each.hart,
        name: each.name,
        instructions: retired(each),
        faults: faultsOf(each),
      })),
    );
    expect(profile.flame.total[0]).toBe(profile.instructions);
    expect(profile.functions.reduce((sum, { self }) => sum + self, 0)).toBe(profile.instructions);
    const [hottest] = profile.lines;
    const beside = await session.lineCounts(hottest.file, 0);
    expect(Math.max(...beside.all)).toBe(hottest.self);
    expect(beside.lines[beside.all.indexOf(hottest.self)]).toBe(hottest.line);
    expect(profile.lineCount).toBe(profile.lines.length);
    const all = addCounts(alone.map(({ counts }) => counts));
    const counts = await session.counts(0, 2 ** 32, 0);
    expect(counts.addresses).toEqual(all.addresses);
    expect(counts.all).toEqual(all.executions);
    expect(counts.taken).toEqual(all.taken);
    for (const { name, counts: column } of counts.harts) {
      const hart = alone.find((each) => each.name === name)!;
      expect(column.reduce((sum, count) => sum + count, 0)).toBe(retired(hart));
    }
    const source = (await session.sources()).files.find(({ path }) => path.endsWith('mp-dot.c'))!;
    const lines = await session.lineCounts(source.path, 0);
    expect(lines.all.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(1000);
    const columns = lines.harts.map((column) => column.counts.reduce((sum, n) => sum + n, 0));
    expect(columns.reduce((sum, n) => sum + n, 0)).toBe(lines.all.reduce((sum, n) => sum + n, 0));
    expect(columns[0]).toBe(lines.own.reduce((sum, n) => sum + n, 0));
    const own = counts.own.reduce((sum, count) => sum + count, 0);
    expect(own).toBe(retired(alone[0]));
  });

  test('adds up only the harts that it is asked for, and counts only the code', async () => {
    const debugged = client();
    const { session } = debugged;
    await debugged.open('mp-dot', ARGS, { profile: true });
    await debugged.after(session.run());
    const { harts: all } = await session.profile();
    const names = ['task 1 vCPU 1', 'task 1 vCPU 3'];
    const some = await session.profile(names);
    const [one, three] = all.filter(({ name }) => names.includes(name));
    expect(some.instructions).toBe(one.instructions + three.instructions);
    expect(some.functions.map(({ name }) => name)).toContain('dot');
    expect(some.functions.map(({ name }) => name)).not.toContain('main');
    const dot = some.functions.find(({ name }) => name === 'dot')!;
    const [symbol] = await session.symbols('dot', 1);
    expect(dot.address).toBe(symbol.address);
    const { addresses } = await session.counts(symbol.address, symbol.address + symbol.size, 0);
    expect(addresses[0]).toBe(symbol.address);
    expect(addresses.at(-1)).toBeLessThan(symbol.address + symbol.size);
    expect((await session.profile([])).instructions).toBe(0);
    const code = await session.counts(0, 2 ** 32, 0, { names });
    expect(code.harts.map(({ name }) => name)).toEqual(names);
    expect(code.all.reduce((sum, each) => sum + each, 0)).toBe(some.instructions);
    const { file } = some.lines[0];
    const onLines = await session.lineCounts(file, 0, { names });
    expect(onLines.all.reduce((sum, each) => sum + each, 0)).toBe(
      some.lines.filter((line) => line.file === file).reduce((sum, { self }) => sum + self, 0),
    );
  });

  test('switches counting on and off for the next start, and the race check off with it', async () => {
    const debugged = client();
    const { session } = debugged;
    await debugged.open('mp-dot', ARGS, { raceCheck: true });
    expect(await session.profile()).toMatchObject({ isCounting: false, harts: [], functions: [] });
    expect((await session.counts(0, 2 ** 32, 0)).isCounting).toBe(false);
    await session.countInstructions(true);
    expect(await session.profile()).toMatchObject({ isCounting: false, willCount: true });
    await session.restart();
    expect((await session.conflicts()).isChecked).toBe(false);
    expect(await session.profile()).toMatchObject({ isCounting: true, willCount: true });
    await session.checkRaces(true);
    expect((await session.profile()).willCount).toBe(false);
  });

  test('samples call stacks by host time, from when it is told to, and adds up a part of the time', async () => {
    const debugged = client();
    const { session } = debugged;
    const byTime = { by: 'time' } as const;
    const began = Date.now();
    await debugged.open('mp-dot', ['call', '4', '1000000']);
    expect(await session.profile(undefined, byTime)).toMatchObject({
      isSampling: false,
      samples: 0,
    });
    await session.sampleTime(true);
    expect((await debugged.after(session.run())).stop).toMatchObject({ kind: 'exited' });
    const all = await session.profile(undefined, byTime);
    expect(all).toMatchObject({ isCounting: false, isSampling: true, unit: 'nanoseconds' });
    expect(all.functions.map(({ name }) => name)).toContain('dot');
    expect(all.flame.total[0]).toBe(all.instructions);
    expect(all.harts.reduce((sum, hart) => sum + hart.instructions, 0)).toBe(all.instructions);
    const part = (from: number, to: number) =>
      session.profile(undefined, { by: 'time', range: { from, to } });
    const ended = Date.now();
    expect((await part(began - 1e4, ended + 1e4)).instructions).toBe(all.instructions);
    expect((await part(ended + 1e4, ended + 2e4)).harts).toEqual([]);
    await session.restart();
    expect((await session.profile(undefined, byTime)).samples).toBe(0);
  });

  test('knows the counts of a part of the time: parts that follow each other add up to all', async () => {
    const debugged = client();
    const { session } = debugged;
    const now = (): number => performance.timeOrigin + performance.now();
    const began = now();
    await debugged.open('mp-dot', ['call', '4', '512'], { profile: true });
    await session.addBreakpoint({ at: 'work', enabled: true });
    await debugged.after(session.run());
    await session.updateBreakpoint(1, { at: 'work', enabled: false });
    const before = await session.profile();
    const first = { from: began - 1e4, to: now() };
    const counted = (await session.profile(undefined, { by: 'instructions', range: first })).harts;
    expect(counted).toEqual(before.harts.filter(({ instructions }) => instructions > 0));
    expect((await debugged.after(session.run())).stop).toMatchObject({ kind: 'exited' });
    const all = await session.profile();
    const view = (range: TimeRange) =>
      session.profile(undefined, { by: 'instructions', range: range });
    const whole = { from: began - 1e4, to: now() + 1e4 };
    const within = await view(whole);
    expect(within).toMatchObject({
      harts: all.harts,
      functions: all.functions,
      flame: { total: all.flame.total, calls: all.flame.calls },
    });
    const early = await view(first);
    const late = await view({ ...whole, from: early.covers!.to });
    expect(early.covers!.to).toBeLessThanOrEqual(first.to);
    expect(early.instructions).toBe(before.instructions);
    expect(early.instructions + late.instructions).toBe(all.instructions);
    expect(late.flame.total[0]).toBe(late.instructions);
    expect(late.functions.reduce((sum, { self }) => sum + self, 0)).toBe(late.instructions);
    const executions = async (range?: TimeRange): Promise<number> =>
      (await session.counts(0, 2 ** 32, 0, range && { range })).all.reduce(
        (sum, each) => sum + each,
        0,
      );
    expect(await executions(first)).toBe(early.instructions);
    const source = (await session.sources()).files.find(({ path }) => path.endsWith('mp-dot.c'))!;
    const onLines = async (range?: TimeRange): Promise<number> =>
      (await session.lineCounts(source.path, 0, range && { range })).all.reduce(
        (sum, each) => sum + each,
        0,
      );
    expect(await onLines(first)).toBeLessThan(await onLines());
    const nothing = await view({ from: began - 2e4, to: began - 1e4 });
    expect(nothing).toMatchObject({ isCounting: true, harts: [], instructions: 0 });
    expect(nothing.covers).toBeUndefined();
  });

  test('has launches with their lanes and measures, by instructions and by host time', async () => {
    const debugged = client();
    const { session } = debugged;
    await debugged.open('mp-unbalanced', ['call', '8', '9000']);
    expect((await session.launches('time')).launches).toEqual([]);
    await debugged.after(session.run());
    const { launches, missing } = await session.launches('instructions');
    expect(missing).toBe(0);
    expect(launches).toMatchObject([{ task: 1, vcpus: 8, at: 'mp_start+0x8' }]);
    expect(launches[0].loadBalance).toBeCloseTo(0.5625, 2);
    const page = await session.launch(1, 'instructions');
    const runs = page?.lanes.slice(1).map(({ start, end }) => end[0] - start[0]);
    expect(runs).toEqual(page?.lanes.slice(1).map(({ instructions }) => instructions));
    expect(page?.pages.flatMap(({ symbols }) => symbols)).toContain('partial');
    expect(page?.criticalPath.map(({ hart }) => hart)).toEqual([1]);
    const times = await session.launch(1, 'time');
    expect(times?.lanes.every(({ kind }) => kind.length > 0)).toBe(true);
    expect(Math.abs(Date.now() - (times?.began ?? 0))).toBeLessThan(600_000);
    expect(await session.launch(2, 'time')).toBeNull();
  });

  test('tells what harts of a launch shared falsely, when the race check looked', async () => {
    const debugged = client();
    const { session } = debugged;
    await debugged.open('mp-sharing', ['packed', 'call', '2'], { raceCheck: true });
    await debugged.after(session.run());
    const page = await session.launch(1, 'time');
    const [pair] = page?.sharing ?? [];
    expect(page?.sharing).toHaveLength(1);
    expect(pair).toMatchObject({ level: 'line', location: { symbol: 'memory' }, count: 4000 });
    expect([pair.first.vcpu, pair.second.vcpu]).toEqual([1, 2]);
    expect([pair.first.to - pair.first.from, pair.second.from - pair.first.from]).toEqual([8, 8]);
    // Both wrote the page: the faults of both are its cost.
    const faults = page?.pages.find(({ symbols }) => symbols.includes('memory'))?.faults;
    expect(pair.copies + pair.loans).toBe(faults);
    expect(pair.cost).toBeGreaterThan(0);
  });

  test('compares launches with those of a run on one hart, by their places', async () => {
    const debugged = client();
    const { session } = debugged;
    await debugged.open('mp-unbalanced', ['call', '8', '9000']);
    await debugged.after(session.run());
    const [estimated] = (await session.launches('instructions')).launches;
    const { instructions, duration } = estimated;
    const oneHart = {
      instructions: instructions / 2,
      durations: { instructions: 3 * duration, time: 1 },
    };
    await session.compareLaunches([oneHart], 0);
    const compared = await session.launches('instructions');
    expect(compared).toMatchObject({ compared: 1, launches: [{ speedUp: 3 }] });
    const page = await session.launch(1, 'instructions');
    expect(page?.measures.find(({ name }) => name === 'Instruction scaling')?.value).toBe(0.5);
    await session.restart();
    await debugged.after(session.run());
    expect((await session.launches('instructions')).launches[0].speedUp).toBe(3);
    // The first of those is of a later launch.
    await session.compareLaunches([oneHart], 1);
    expect(await session.launches('instructions')).toMatchObject({
      compared: 0,
      launches: [{ speedUp: estimated.speedUp }],
    });
  });

  test('refuses what is no list of names and no range', async () => {
    const checked = validated(client().session);
    await expect(checked.profile()).rejects.toThrow('No program is open');
    await expect(checked.profile(['x'.repeat(129)])).rejects.toThrow('profile: argument 0.0');
    await expect(checked.counts(-1, 4, 0)).rejects.toThrow('counts: argument 0 is below 0');
    const range = { from: NaN, to: 1 };
    await expect(checked.counts(0, 4, 0, { range })).rejects.toThrow(
      'counts: argument 3.range.from',
    );
  });
});
