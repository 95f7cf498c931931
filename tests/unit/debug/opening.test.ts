import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { assemble } from '../../../emulator/isa/assembler';
import { writeElf } from '../../support/elf-writer';
import { Client } from './client';

let client: Client;
beforeEach(() => {
  client = new Client();
});
afterEach(async () => {
  await client.session.pause();
  client.end();
});

describe('opening', () => {
  test('a guest stops it at main, with its segments and functions known', async () => {
    const info = await client.open('dot');
    const state = await client.stopped();
    expect(state.stop).toEqual({ kind: 'entry' });
    expect(client.place).toBe('main');
    expect(info.position).toBe('static');
    expect(info.functionCount).toBeGreaterThan(3);
    expect(info.segments.map((s) => s.label)).toContain('stack');
    expect(info.segments.find((s) => s.label === 'text')?.permissions).toBe('r-x');
  });

  test('without the wanted function it stops at the entry', async () => {
    const info = await client.open('hello', [], { stopAt: 'nowhere' });
    expect(client.state.harts[0].location.address).toBe(info.entry);
  });

  test('a file that is no program is refused, and the session lives on', async () => {
    await expect(client.open('hello', [], { elf: Uint8Array.of(1, 2, 3) })).rejects.toThrow();
    await client.open('hello');
    expect(client.place).toBe('main');
  });

  test('a file whose end is cut off runs, and what is missing is told', async () => {
    const whole = readFileSync('guests/bin/hello.elf');
    await client.open('hello', [], { elf: whole.subarray(0, whole.length - 64) });
    expect(client.messages).toHaveLength(1);
    expect(client.messages[0]).toMatch(/^hello: the table of \d+ section headers needs bytes /);
    expect((await client.session.sources()).problems).toHaveLength(1);
    expect((await client.after(client.session.run())).stop).toEqual({ kind: 'exited', status: 0 });
  });

  test('requests before a program is open say so', async () => {
    await expect(client.session.run()).rejects.toThrow('No program is open');
    await expect(client.session.registers(0)).rejects.toThrow('No program is open');
    await expect(client.session.restart()).rejects.toThrow('No program is open');
  });
});

/** Maps 64 MiB and writes to each page of it. */
const EATS_MEMORY = `
  li a0, 0
  li a1, ${64 << 20}
  li a2, 3
  li a3, 0x22
  li a4, -1
  li a5, 0
  li a7, 222 # mmap
  ecall
  li t0, 4096
  write: sd t0, 0(a0)
  add a0, a0, t0
  j write`;

test('a program that takes more memory than there is stops where it does, and can be looked at', async () => {
  const { bytes, symbols } = assemble(EATS_MEMORY, { base: 0x10000 });
  const code = { address: 0x10000, bytes, writable: false, executable: true };
  await client.open('eater', [], { elf: writeElf(0x10000, [code]) });
  const { stop, harts } = await client.after(client.session.run());
  expect(stop).toMatchObject({ kind: 'fault', signal: 'SIGKILL' });
  expect(stop).toHaveProperty('message', expect.stringContaining('memory limit is reached'));
  expect(harts[0].location.address).toBe(symbols.get('write'));
  const { x } = await client.session.registers(0);
  expect((await client.session.readMemory(Number(x[10]) - 4096, 8, 0)).bytes[1]).toBe(4096 >> 8);
  const { stop: end } = await client.after(client.session.run());
  expect(end).toEqual({ kind: 'killed', signal: 'SIGKILL', status: 137 });
});
