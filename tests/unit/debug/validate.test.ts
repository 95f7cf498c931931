import { describe, expect, test } from 'vitest';
import type { MachineEvents, MachineRequests, OpenRequest } from '../../../emulator/debug/protocol';
import { REQUEST_NAMES, validated } from '../../../emulator/debug/validate';
import { FakeMachine } from '../../support/fake-machine';

const silent: MachineEvents = {
  stateChanged: () => undefined,
  output: () => undefined,
  breakpointsChanged: () => undefined,
  message: () => undefined,
};
const checked = (): MachineRequests => validated(new FakeMachine(silent));
/** Asks as a client that does not keep to the protocol would. */
const ask = (name: string, ...args: unknown[]): Promise<unknown> =>
  (checked() as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[name](...args);

const program: OpenRequest = {
  name: 'dot',
  elf: Uint8Array.of(0x7f, 0x45, 0x4c, 0x46),
  args: ['dot'],
  environment: [],
  columns: 80,
  rows: 24,
};

describe('the border of a machine', () => {
  test('passes what the protocol allows', async () => {
    expect((await checked().open(program)).name).toBe('dot');
    expect((await checked().readMemory(0x12000, 1 << 20)).bytes).toHaveLength(1 << 20);
    expect(await checked().disassemble(0x10000, 0, 1000)).toHaveLength(64);
  });

  test.each([
    ['readMemory', [0, (1 << 20) + 1], 'readMemory: argument 1 is above 1048576'],
    ['readMemory', [-1, 4], 'readMemory: argument 0 is below 0'],
    ['readMemory', [0.5, 4], 'readMemory: argument 0 is not a whole number below 2^53'],
    ['readMemory', ['0', 4], 'readMemory: argument 0 is not a number'],
    ['page', [2 ** 20, 0], 'page: argument 0 is above 1048575'],
    ['events', [0], 'events: argument 0 is below 1'],
    ['events', [2001], 'events: argument 0 is above 2000'],
    ['events', [1, { kinds: [1] }], 'events: argument 1.kinds.0 is not a text'],
    ['disassemble', [0, 0, 1001], 'disassemble: argument 2 is above 1000'],
    ['writeMemory', [0, [1, 2]], 'writeMemory: argument 1 is not bytes'],
    [
      'writeMemory',
      [0, new Uint8Array((1 << 20) + 1)],
      'writeMemory: argument 1 is larger than 1048576 bytes',
    ],
    ['registers', [NaN], 'registers: argument 0 is not a number'],
    ['writeRegister', [0, 'x'.repeat(17), '0'], 'writeRegister: argument 1 is longer than 16'],
    ['addBreakpoint', [{ at: 'main' }], 'addBreakpoint: argument 0.enabled'],
    ['terminalResize', [0, 24], 'terminalResize: argument 0 is below 1'],
    ['open', [{ ...program, elf: 'ELF' }], 'open: argument 0.elf is not bytes'],
    ['open', [{ ...program, args: [1] }], 'open: argument 0.args.0 is not a text'],
    ['symbols', ['', 1001], 'symbols: argument 1 is above 1000'],
  ])('refuses %s with %o, naming the argument', async (name, args, message) => {
    await expect(ask(name, ...args)).rejects.toThrow(message);
  });

  test('refuses a request with members that the protocol does not know', async () => {
    await expect(ask('open', { ...program, extra: 1 })).rejects.toThrow('open: argument 0.extra');
  });

  test('refuses too many and too few arguments', async () => {
    await expect(ask('run', 1)).rejects.toThrow(/^run: /);
    await expect(ask('registers')).rejects.toThrow(/^registers: /);
  });

  test('offers the requests and nothing else, whatever an object inherits', () => {
    expect(Object.keys(checked()).sort()).toEqual([...REQUEST_NAMES].sort());
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
      expect(Reflect.get(checked(), name)).toBeUndefined();
  });
});
