import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { REGISTER_TABLE, type PagesInfo } from '../../../emulator/debug/protocol';
import { PAGE_STATES } from '../../../emulator/memory';
import { Client } from './client';

let client: Client;
beforeEach(() => {
  client = new Client();
});
afterEach(async () => {
  await client.session.pause();
  client.end();
});

describe('running', () => {
  test('to the end gives the status, the output and the exact instruction count', async () => {
    await client.open('hello');
    await client.session.run();
    const state = await client.stopped();
    expect(state.stop).toEqual({ kind: 'exited', status: 0 });
    expect(client.output).toBe('Hello from RISC-V\r\n');
    const again = new Client();
    await again.open('hello');
    for (let i = 0; !again.state.stop || again.state.stop.kind !== 'exited'; i++) {
      if (i > 10_000) throw new Error('hello takes longer than 10,000 steps');
      await again.session.stepInstruction(0);
      await again.stopped();
    }
    expect(again.state.harts[0].instructions).toBe(state.harts[0].instructions);
    expect(again.output).toBe(client.output);
    again.end();
  });

  test('an ended program says that it must be restarted', async () => {
    await client.open('hello');
    await client.session.run();
    await client.stopped();
    await expect(client.session.run()).rejects.toThrow('restart it');
    await client.session.restart();
    expect(client.place).toBe('main');
    expect(client.state.stop).toEqual({ kind: 'entry' });
  });

  test('an endless loop is paused, looked at and run on', async () => {
    await client.open('spin');
    await client.session.run();
    await client.until((state) => state.harts[0].instructions > 3_000_000);
    await client.session.pause();
    expect(client.state).toMatchObject({ running: false, stop: { kind: 'pause' } });
    const { instructions } = client.state.harts[0];
    await client.session.run();
    await client.until((state) => state.harts[0].instructions > instructions);
  });

  test('registers and memory can be read while it runs, and not written', async () => {
    await client.open('spin');
    await client.session.run();
    await client.until((state) => state.harts[0].instructions > 1_000_000);
    expect((await client.session.registers(0)).x).toHaveLength(32);
    await expect(client.session.writeRegister(0, 'a0', '1')).rejects.toThrow('pause it first');
    await expect(client.session.stepInstruction(0)).rejects.toThrow('pause it first');
  });

  test('a fault stops at the instruction and says what and where; running on ends the program', async () => {
    await client.open('crash', ['null']);
    await client.session.run();
    const { stop } = await client.stopped();
    expect(stop).toMatchObject({ kind: 'fault', signal: 'SIGSEGV', address: 0 });
    expect((stop as { message: string }).message).toMatch(/a write to 0x0: a null pointer/);
    expect(client.place).toMatch(/^null_write/);
    await client.session.run();
    expect((await client.stopped()).stop).toEqual({
      kind: 'killed',
      signal: 'SIGSEGV',
      status: 139,
    });
  });
});

describe('stepping', () => {
  test('over a call comes back behind it', async () => {
    await client.open('fib');
    const seen = new Set<string>();
    for (let i = 0; i < 200 && client.state.stop?.kind !== 'exited'; i++) {
      seen.add(client.place.replace(/\+.*/, ''));
      await client.session.stepOver(0);
      await client.stopped();
    }
    expect(client.state.stop).toEqual({ kind: 'exited', status: 0 });
    expect(seen).toContain('main');
    expect(seen).not.toContain('fib');
    expect(client.output).toBe('fib(27) = 196418\r\n');
  });

  test('out of a recursive function returns to its own caller', async () => {
    await client.open('fib');
    const { id } = await client.session.addBreakpoint({ at: 'fib', enabled: true, hitCount: 5 });
    await client.session.run();
    await client.stopped();
    expect(client.place).toBe('fib');
    await client.session.removeBreakpoint(id);
    const { x } = await client.session.registers(0);
    await client.session.stepInstruction(0);
    await client.stopped();
    await client.session.stepInstruction(0);
    await client.stopped();
    await client.session.stepOut(0);
    await client.stopped();
    const after = await client.session.registers(0);
    expect(after.pc).toBe(Number(x[1]));
    expect(after.x[2]).toBe(x[2]);
  });

  test('to an address stops there once', async () => {
    await client.open('dot');
    const dot = (await client.session.symbols('dot', 1))[0];
    await client.session.runTo(dot.address);
    await client.stopped();
    expect(client.place).toBe('dot');
    expect(client.state.stop).toEqual({ kind: 'step' });
  });
});

describe('threads of the guest', () => {
  test('are harts, and a breakpoint in one tells which', async () => {
    await client.open('threads');
    const { id } = await client.session.addBreakpoint({ at: 'return_square', enabled: true });
    await client.session.run();
    const { stop, stopHart, harts } = await client.stopped();
    expect(stop).toMatchObject({ kind: 'breakpoint', id });
    expect(stopHart).toBeGreaterThan(0);
    expect(harts.find((hart) => hart.id === stopHart)?.location.symbol).toBe('return_square');
    const before = harts.map(({ instructions }) => instructions);
    await client.session.stepInstruction(stopHart ?? 0);
    const after = (await client.stopped()).harts.map(({ instructions }) => instructions);
    expect(after.map((count, i) => count - before[i]).filter((count) => count > 0)).toEqual([1]);
  });

  test('run while a step waits for them', async () => {
    await client.open('threads');
    const { id } = await client.session.addBreakpoint({ at: 'run_threads', enabled: true });
    await client.session.run();
    await client.stopped();
    await client.session.removeBreakpoint(id);
    // It starts 32 threads and joins them: alone it would wait for ever.
    await client.session.stepOut(0);
    const { stop, harts } = await client.stopped();
    expect(stop).toEqual({ kind: 'step' });
    expect(harts[0].location.symbol).toBe('creation');
    expect(harts).toHaveLength(1);
    await client.session.run();
    expect((await client.stopped()).stop).toEqual({ kind: 'exited', status: 5 });
    expect(client.output).not.toContain('WRONG');
  });
});

describe('breakpoints', () => {
  test('by name stop, count their hits and obey their condition', async () => {
    await client.open('fib');
    const { id, location } = await client.session.addBreakpoint({
      at: 'fib',
      condition: 'a0 == 3',
      enabled: true,
    });
    expect(location?.symbol).toBe('fib');
    await client.session.run();
    await client.stopped();
    expect(client.state.stop).toMatchObject({ kind: 'breakpoint', id });
    expect(Number((await client.session.registers(0)).x[10])).toBe(3);
    expect(client.breakpoints[0].hits).toBe(1);
  });

  test('go on being there after a restart, and can be taken away', async () => {
    await client.open('fib');
    const { id } = await client.session.addBreakpoint({ at: 'fib', enabled: true });
    await client.session.restart();
    await client.session.run();
    await client.stopped();
    expect(client.place).toBe('fib');
    await client.session.removeBreakpoint(id);
    await client.session.run();
    expect((await client.stopped()).stop).toEqual({ kind: 'exited', status: 0 });
  });

  test('that name nothing are kept with their problem', async () => {
    await client.open('fib');
    const bad = await client.session.addBreakpoint({ at: 'nowhere', enabled: true });
    expect(bad.problem).toBe('no variable, register or symbol is called nowhere');
    const odd = await client.session.addBreakpoint({ at: 'main + 1', enabled: true });
    expect(odd.problem).toMatch(/is odd/);
    await client.session.updateBreakpoint(bad.id, { at: 'fib', enabled: true });
    expect(client.breakpoints[0].problem).toBeUndefined();
  });

  test('whose condition cannot be evaluated stop and say why', async () => {
    await client.open('fib');
    await client.session.addBreakpoint({ at: 'fib', condition: 'u8(0)', enabled: true });
    await client.session.run();
    await client.stopped();
    expect(client.place).toBe('fib');
    expect(client.messages[0]).toMatch(
      /condition of breakpoint 1 .*cannot access memory at address 0x0/,
    );
  });
});

describe('the terminal', () => {
  test('echoes what is typed and answers line by line', async () => {
    await client.open('calc');
    await client.session.run();
    await client.until((state) => state.harts[0].state === 'waiting');
    expect(client.state.harts[0].waitsFor).toBe('input');
    await client.session.terminalInput(new TextEncoder().encode('6*7\r'));
    await client.until((state) => state.harts[0].state === 'waiting' && /42/.test(client.output));
    expect(client.output).toContain('6*7\r\n');
    await client.session.terminalInput(Uint8Array.of(4));
    expect((await client.stopped()).stop).toEqual({ kind: 'exited', status: 0 });
  });

  test('^C ends a program that waits or runs', async () => {
    for (const name of ['calc', 'spin']) {
      await client.open(name);
      await client.session.run();
      await client.until((state) => state.harts[0].instructions > 1000);
      await client.session.terminalInput(Uint8Array.of(3));
      expect((await client.stopped()).stop).toEqual({
        kind: 'killed',
        signal: 'SIGINT',
        status: 130,
      });
    }
  });

  test('the same schedule stops at the same counts, and typed lines are answered', async () => {
    const schedule = { kind: 'interleaved', quantum: 100, seed: 3 } as const;
    const counts: number[] = [];
    for (let n = 0; n < 2; n++) {
      await client.open('mp-histogram', ['call', '4'], { schedule });
      await client.session.run();
      counts.push((await client.stopped()).instructions);
    }
    expect(counts[0]).toBe(counts[1]);
    await client.open('calc', [], { schedule });
    await client.session.run();
    await client.session.terminalInput(new TextEncoder().encode('6 * 7\r'));
    await client.until(() => client.output.includes('42'));
  });

  test('a program that waits for input can be paused', async () => {
    await client.open('calc');
    await client.session.run();
    await client.until((state) => state.harts[0].state === 'waiting');
    await client.session.pause();
    expect(client.state).toMatchObject({ running: false, stop: { kind: 'pause' } });
  });
});

describe('looking and changing', () => {
  test('a register is written by an expression, checked', async () => {
    await client.open('hello');
    await client.session.writeRegister(0, 'a0', 'main + 4');
    const main = (await client.session.symbols('main', 1))[0].address;
    expect(Number((await client.session.registers(0)).x[10])).toBe(main + 4);
    await expect(client.session.writeRegister(0, 'zero', '1')).rejects.toThrow('always 0');
    await expect(client.session.writeRegister(0, 'q9', '1')).rejects.toThrow(
      'No register is called q9.',
    );
    await expect(client.session.writeRegister(0, 'pc', '3')).rejects.toThrow('even address');
    await expect(client.session.registers(7)).rejects.toThrow('There is no hart 7');
  });

  test('memory shows holes, and writing code takes effect', async () => {
    await client.open('hello');
    const { pc } = await client.session.registers(0);
    const block = await client.session.readMemory(0, 8192);
    expect(block.holes[0].start).toBe(0);
    // c.ebreak at the next instruction
    await client.session.writeMemory(pc, Uint8Array.of(0x02, 0x90));
    await client.session.run();
    expect((await client.stopped()).stop).toEqual({ kind: 'ebreak', address: pc });
    await expect(client.session.writeMemory(0, Uint8Array.of(1))).rejects.toThrow(
      'Nothing is mapped at 0x0',
    );
  });

  test('disassembly begins at the function, shows targets, and goes up as many lines as asked', async () => {
    await client.open('fib');
    const { pc } = await client.session.registers(0);
    const lines = await client.session.disassemble(pc, 3, 10);
    expect(lines).toHaveLength(13);
    expect(lines[3]).toMatchObject({ address: pc, label: 'main', known: true });
    const own = await client.session.disassemble(pc, 3, 10, true);
    expect(own.map(({ address }) => address)).toEqual(lines.map(({ address }) => address));
    expect(own.map(({ mnemonic }) => mnemonic)).not.toEqual(lines.map(({ mnemonic }) => mnemonic));
    const all = await client.session.disassemble(pc, 0, 60);
    expect(all.some((line) => line.target?.symbol === 'fib')).toBe(true);
    for (const [i, line] of lines.entries()) {
      if (i > 0) expect(line.address).toBe(lines[i - 1].address + lines[i - 1].bytes.length / 2);
    }
    expect(await client.session.disassemble(0x5000_0000, 5, 5)).toEqual([]);
  });

  test('disassembly and state say what is translated, once it is', async () => {
    await client.open('fib', ['27']);
    const fib = await client.session.evaluateAddress('fib', 0);
    const labels = async (): Promise<unknown[]> =>
      (await client.session.disassemble(fib, 0, 1)).map(({ label, translated }) => [
        label,
        translated,
      ]);
    expect(await labels()).toEqual([['fib', false]]);
    expect(client.states.at(-1)?.translatedInstructions).toBeUndefined();
    await client.session.run();
    await client.stopped();
    expect(await labels()).toEqual([['fib', true]]);
    const { instructions, translatedInstructions = 0 } = client.states.at(-1)!;
    expect(translatedInstructions).toBeGreaterThan(instructions / 2);
    expect(translatedInstructions).toBeLessThanOrEqual(instructions);
  });

  test('an instruction is explained with its fields', async () => {
    await client.open('hello');
    const { pc } = await client.session.registers(0);
    const help = await client.session.explain(pc);
    expect(help?.sentence.length).toBeGreaterThan(10);
    expect(help?.fields.length).toBeGreaterThan(1);
    expect(await client.session.explain(0x5000_0000)).toBeNull();
  });
});

describe('a guest with vCPUs', () => {
  /** Runs mp-dot to where all four vCPUs stand at their first instruction. */
  async function forks(): Promise<void> {
    await client.open('mp-dot');
    await client.session.runToFork();
    await client.stopped();
  }

  test('shows them when the call that makes them has returned', async () => {
    await forks();
    expect(client.state.harts.map(({ id, task }) => [id, task])).toEqual([
      [0, undefined],
      ...[1, 2, 3, 4].map((id) => [id, { id: 1, mode: 'call', vcpu: id }]),
    ]);
    expect(client.state.harts[2].location).toMatchObject({ symbol: 'work', offset: 0 });
  });

  test('shows them also while their caller waits for them in the call', async () => {
    await client.open('mp-dot', ['fork-here']);
    await client.session.runToFork();
    const { harts } = await client.stopped();
    expect(harts.map(({ task }) => task?.mode)).toEqual([
      undefined,
      ...Array.from({ length: 4 }, () => 'fork-here'),
    ]);
    expect(harts.map(({ instructions }) => instructions).slice(1)).toEqual([0, 0, 0, 0]);
  });

  test('whose program has no function that starts them says so', async () => {
    await client.open('dot');
    await expect(client.session.runToFork()).rejects.toThrow('no mp_start');
  });

  test('compares the registers of all harts', async () => {
    await forks();
    const { harts, values } = await client.session.registersOfAll();
    expect(harts).toEqual([0, 1, 2, 3, 4]);
    const { size, pc } = REGISTER_TABLE;
    const A0 = 10;
    expect(harts.slice(1).map((hart) => values[size * hart + A0])).toEqual([0n, 1n, 2n, 3n]);
    const third = await client.session.registers(3);
    expect(third.x.map(BigInt)).toEqual([...values.slice(size * 3, size * 3 + 32)]);
    expect(values[size * 3 + pc]).toBe(BigInt(third.pc));
  });

  test('evaluates an expression on every hart, and says where it cannot', async () => {
    await forks();
    const ids = await client.session.evaluateOnAll('hart');
    expect(ids.map(({ hart, value }) => [hart, Number(value)])).toEqual(
      [0, 1, 2, 3, 4].map((id) => [id, id]),
    );
    const unmapped = await client.session.evaluateOnAll('u8(0)');
    expect(new Set(unmapped.map(({ problem }) => problem))).toEqual(
      new Set(['cannot access memory at address 0x0']),
    );
    await expect(client.session.evaluateOnAll('1 +')).rejects.toThrow('expected a number');
  });

  test('names the functions of addresses', async () => {
    await client.open('mp-dot');
    const main = await client.session.evaluateAddress('main', 0);
    expect(await client.session.locate([main, main + 2, 4])).toEqual([
      { address: main, symbol: 'main', offset: 0 },
      { address: main + 2, symbol: 'main', offset: 2 },
      { address: 4 },
    ]);
  });

  test('has pages that forks share, that are lent and borrowed, and private stacks', async () => {
    await forks();
    const at = (await client.session.evaluateAddress('partial', 0)) >>> 12;
    const before = await client.session.pages();
    expect(before.spaces.map(({ harts }) => harts)).toEqual([[0], [1], [2], [3], [4]]);
    expect(row(before, at).label).toBe('data');
    expect(row(before, at).symbols).toContain('partial');
    let after = before;
    for (let steps = 0; row(after, at).states[1] !== 'borrowed'; steps++) {
      if (steps > 60) throw new Error('vCPU 1 has not written its partial sum');
      await client.session.stepOver(1);
      await client.stopped();
      after = await client.session.pages();
    }
    const [main, first, second] = row(after, at).states;
    expect(main).toBe('lent');
    expect(first).toBe('borrowed');
    // The second has not written yet: it still sees the page as it was when it forked.
    expect(second).not.toBe('borrowed');
    const { lender, references } = await client.session.page(at, 1);
    expect(lender).toBe(0);
    expect(references).toBeGreaterThan(1);
    const sp = Number((await client.session.registers(1)).x[2]);
    const stack = row(after, (sp - 1) >>> 12);
    expect(stack.label).toBe('vCPU stack');
    expect(stack.states[0]).toBe('unmapped');
    expect(after.spaces[1].totals[PAGE_STATES.indexOf('borrowed')]).toBeGreaterThan(0);
  });

  test('keeps how they ended until they are joined and the next run begins', async () => {
    await forks();
    expect(client.state.endedVcpus).toEqual([]);
    await client.session.stepOver(0);
    await client.stopped();
    await client.session.addBreakpoint({ at: 'mp_join', enabled: true });
    await client.session.run();
    await client.stopped();
    await client.session.stepOut(0);
    const { endedVcpus, harts } = await client.stopped();
    expect(harts).toHaveLength(1);
    expect(endedVcpus.map(({ hart, reason, failed }) => [hart, reason, failed])).toEqual(
      [1, 2, 3, 4].map((hart) => [hart, 'returned', false]),
    );
    await client.session.stepInstruction(0);
    expect((await client.stopped()).endedVcpus).toEqual([]);
  });

  test('is stopped when a step has brought a vCPU to its end', async () => {
    await forks();
    await client.session.stepOut(1);
    const { stop, harts, endedVcpus } = await client.stopped();
    expect(stop).toEqual({ kind: 'step' });
    expect(harts.map(({ id }) => id)).toEqual([0, 2, 3, 4]);
    expect(endedVcpus.map(({ task, reason }) => [task.vcpu, reason])).toEqual([[1, 'returned']]);
  });

  test('answers what its pages, registers and events are while it runs', async () => {
    await client.open('spin');
    await client.session.run();
    await client.until((state) => state.running);
    expect((await client.session.pages()).spaces.map(({ harts }) => harts)).toEqual([[0]]);
    expect((await client.session.registersOfAll()).harts).toEqual([0]);
    expect((await client.session.events(10)).events.length).toBeGreaterThan(0);
    expect(client.state.running).toBe(true);
  });

  test('tells its events in the order of their times, with what was lost', async () => {
    await forks();
    const { events } = await client.session.events(100);
    expect(events.filter(({ kind }) => kind === 'fork')).toHaveLength(4);
    // Turns are so many that they are told only to who asks for them.
    expect(events.filter(({ kind }) => kind.startsWith('turn'))).toEqual([]);
    const turns = (await client.session.events(100, { kinds: ['turn', 'turn-end'] })).events;
    expect(turns[0]).toMatchObject({ kind: 'turn', detail: 'the home thread' });
    const { number } = turns[0];
    const one = await client.session.events(1, { first: number, last: number });
    expect(one.events).toEqual([turns[0]]);
    expect(events.map(({ time }) => time)).toEqual(
      events.map(({ time }) => time).toSorted((a, b) => a - b),
    );
    await client.session.run();
    await client.stopped();
    const later = await client.session.events(2000);
    expect(later.events.some(({ kind, hart }) => kind === 'loan' && hart > 0)).toBe(true);
    expect((await client.session.events(3)).events).toHaveLength(3);
    const loans = await client.session.events(2000, { kinds: ['loan', 'copy'], hart: 2 });
    expect(loans.events.length).toBeGreaterThan(0);
    for (const { kind, hart } of loans.events)
      expect([kind, hart]).toEqual([expect.stringMatching(/loan|copy/), 2]);
    const numbers = later.events.map(({ number }) => number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    const page = later.events.find(({ kind }) => kind === 'loan')?.page ?? 0;
    const life = await client.session.events(2000, { page });
    expect(life.events.map(({ kind }) => kind)).toContain('loan');
    expect(life.events.every((event) => event.page === page || event.kind === 'map')).toBe(true);
  });
});

/** A page's row in readable form. */
function row(
  { spaces, first, count, cells, labels, labelOf, symbols, symbolsOf }: PagesInfo,
  page: number,
): { label: string; symbols: string; states: string[] } {
  const at = first.findIndex((start, n) => page >= start && page < start + count[n]);
  const own = [...cells.slice(at * spaces.length, (at + 1) * spaces.length)];
  return {
    label: labels[labelOf[at]],
    symbols: symbols[symbolsOf[at]],
    states: own.map((cell) => PAGE_STATES[cell >> 3]),
  };
}
