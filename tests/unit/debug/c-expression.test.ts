import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseLogMessage } from '../../../emulator/debug/log-message';
import { addressValue, assign, memoryPlace } from '../../../emulator/debug/places';
import { SourceService } from '../../../emulator/debug/source-service';
import { evaluateOnHarts } from '../../../emulator/debug/watch-expression';
import { Machine } from '../../../emulator/machine';
import { CapturedStreams } from '../../support/captured-streams';

let machine: Machine;
let service: SourceService;

/** The second vCPU of mp-dot in `work(index = 1, data = NULL)`. */
beforeAll(() => {
  machine = Machine.create({
    elf: new Uint8Array(readFileSync('guests/bin/mp-dot.elf')),
    args: ['mp-dot'],
    streams: new CapturedStreams(),
  });
  machine.stops.add(machine.symbols.byName('work')?.address ?? 0);
  for (let hits = 0; hits < 2; hits++) {
    expect(machine.run(50_000_000, hits > 0).kind).toBe('breakpoint');
  }
  service = new SourceService(
    () => machine,
    () => machine.current,
  );
});
afterAll(() => machine.dispose());

const value = async (text: string): Promise<string> => {
  const { type, value: shown } = await service.evaluateInFrame(text, machine.current.index, 0);
  return `${type} ${shown}`;
};

describe('a C expression', () => {
  test.each([
    ['index', 'uint64_t 1'],
    ['length', 'uint64_t 8192'],
    ['index * 2 + 1', 'unsigned long 3'],
    ['options.vcpus', 'uint64_t 4'],
    ['(&options)->vcpus == 4 && index != 0', 'int 1'],
    ['&left[2] - left', 'long 2'],
    ['sizeof left', 'unsigned long 67108864'],
    ['sizeof(uint64_t)', 'unsigned long 8'],
    ['(char)65', "char 65 'A'"],
    ['(int)3.9 + 1', 'int 4'],
    ['1.0f / 4', 'float 0.25'],
    ['-7 / 2', 'int -3'],
    ['-1 < 1u', 'int 0'],
    ['1 << 33L', 'int 2'],
    ['0x80000000', 'long 2147483648'],
    ["'\\n'", "char 10 '\\n'"],
    ['data == 0 ? 10 : 20', 'int 10'],
    ['data', 'void * (void *) 0x0'],
    ['hart', 'int 2'],
    ['$a0', 'long 1'],
    ['(unsigned char)-1', "char 255 '\\377'"],
  ])('%s is %s', async (text, expected) => {
    expect(await value(text)).toBe(expected);
  });

  test.each([
    ['nothing', 'No variable, register or symbol is called nothing.'],
    ['index.x', 'A uint64_t has no members.'],
    ['options.colour', /^Struct mp_options has no member colour\.$/],
    ['*data', 'A void pointer must be cast before * is applied.'],
    ['index +', 'Column 8: expected a number, a name or “(”, found the end.'],
    ['1 / 0', 'Division by zero.'],
    ['0x10000000000000000', '0x10000000000000000 has more than 64 bits.'],
    ['18446744073709551616 - 1', '18446744073709551616 has more than 64 bits.'],
    ['&index', 'The value has no address: it is not in memory.'],
    ['options + 1', 'A struct mp_options is no number.'],
    ['end', 'Optimized out.'],
    ['(('.repeat(200), 'The expression is nested too deeply.'],
  ])('%s is refused: %s', async (text, message) => {
    const ask = text === 'end' ? value('end + 1') : value(text);
    await expect(ask).rejects.toThrow(message);
  });

  test('is what watches and messages take, and has bits where it is a number', async () => {
    const hart = machine.current.index;
    const watched = evaluateOnHarts('index * 16', machine).find((each) => each.hart === hart);
    expect(watched?.value).toBe('0x0000000000000010');
    const message = parseLogMessage('part {index} of {options.vcpus:x}, {u8[sp] * 0}');
    expect(message(machine, machine.current)).toBe('part 1 of 0x4, 0');
    const { bits } = await service.evaluateInFrame('(short)-1', hart, 0);
    expect(bits).toBe('0xffff');
    expect((await service.evaluateInFrame('options', hart, 0)).bits).toBeUndefined();
  });

  test('reads what the program has in memory', async () => {
    const { space } = machine.current;
    const at = (machine.symbols.byName('left')?.address ?? 0) + 4 * 3;
    const [third] = new Float32Array(space.peek(at, 4).slice().buffer);
    expect(third).not.toBe(0);
    expect(Number((await value('left[3]')).replace('float ', ''))).toBeCloseTo(third);
    expect(Number((await value('*(left + 3) * 2')).replace('float ', ''))).toBeCloseTo(third * 2);
  });

  test('writes variables, memory and registers, and refuses what does not fit there', async () => {
    const { current } = machine;
    const set = (place: string, text: string): void => assign(machine, current, place, text);
    const third = await value('left[3]');
    set('left[3]', '1.5 * index');
    expect(await value('left[3]')).toBe('float 1.5');
    set('left[3]', third.replace('float ', ''));
    set('options.vcpus', 'options.vcpus + 1');
    expect(await value('options.vcpus')).toBe('uint64_t 5');
    set('options.vcpus', '4');
    set('u8[sp - 8]', '0xff');
    expect(() => set('u8[sp - 8]', '256')).toThrow('256 does not fit in a u8');
    expect(() => set('work', '1')).toThrow('work is neither a register nor memory');
    expect(() => set('a0 + 1', '1')).toThrow('a0 + 1 is neither a register nor memory');
    expect(() => set('*(int *)16', '1')).toThrow('memory at 0x10 cannot be written');
    const before = current.state.x(31);
    set('$t6', '-1');
    expect(current.state.x(31)).toBe(2n ** 64n - 1n);
    current.state.setX(31, before);
  });

  test('names places: symbols stand for their addresses, before variables', () => {
    const { current } = machine;
    const left = machine.symbols.byName('left')?.address ?? 0;
    expect(addressValue(machine, current, 'left + 8')).toBe(left + 8);
    expect(addressValue(machine, current, '&left[2]')).toBe(left + 2);
    expect(addressValue(machine, current, 'index + 0x100')).toBe(0x101);
    expect(memoryPlace(machine, current, '*(double *)(left + 8)')).toEqual({
      address: left + 8,
      size: 8,
    });
    // A part of a variable is one, whether the variable has a symbol or not.
    expect(memoryPlace(machine, current, 'left[2]')).toEqual({ address: left + 8, size: 4 });
    const { address: options = 0 } = machine.symbols.byName('options') ?? {};
    const { address: vcpus, size } = memoryPlace(machine, current, 'options.vcpus');
    expect(vcpus).toBeGreaterThanOrEqual(options);
    expect(size).toBe(8);
    expect(addressValue(machine, current, 'options.vcpus')).toBe(4);
    expect(() => memoryPlace(machine, current, 'options.none')).toThrow('options.none');
    expect(() => addressValue(machine, current, '-1')).toThrow('above 4 GiB');
    expect(() => addressValue(machine, current, '1.5')).toThrow('no address');
  });

  test('gives the parts of what it names, and an expression for each', async () => {
    const parts = await service.variableParts(machine.current.index, 0, 'options', [], 0, 100);
    const vcpus = parts.find(({ name }) => name === 'vcpus');
    expect(vcpus?.expression).toBe('options.vcpus');
    expect(vcpus?.value).toBe('4');
    const some = await service.variableParts(machine.current.index, 0, 'left', [], 16_777_214, 100);
    expect(some.map(({ name }) => name)).toEqual(['[16777214]', '[16777215]']);
  });
});
