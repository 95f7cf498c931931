import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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
