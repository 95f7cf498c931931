import { describe, expect, test } from 'vitest';
import { Machine, type MachineOptions } from '../../../emulator';
import { assemble } from '../../../emulator/isa';
import { ERRNO } from '../../../emulator/linux/abi/errno';
import { VDSO } from '../../../emulator/linux/process-start';
import { CapturedStreams } from '../../support/captured-streams';
import { writeElf } from '../../support/elf-writer';
import { keptMachines } from '../../support/kept-machines';

const CODE = 0x10000;
const DATA = 0x20000;
const AT_SYSINFO_EHDR = 33;
const [PT_LOAD, PT_DYNAMIC] = [1, 2];
const [DT_HASH, DT_STRTAB, DT_SYMTAB] = [4, 5, 6];
const [DT_VERSYM, DT_VERDEF] = [0x6ffffff0, 0x6ffffffc];

const machines = keptMachines();

function machineOf(text: string, options: Partial<MachineOptions> = {}): Machine {
  const { bytes } = assemble(text, { base: CODE });
  const elf = writeElf(CODE, [
    { address: CODE, bytes, writable: false, executable: true },
    { address: DATA, bytes: new Uint8Array(4096), writable: true, executable: false },
  ]);
  const streams = new CapturedStreams();
  const machine = Machine.create({ elf, memoryLimit: 16 << 20, streams, ...options });
  machines.push(machine);
  return machine;
}

/** Reads the library as a C library does: by its program headers, and what the dynamic section names. */
class Library {
  constructor(
    private readonly machine: Machine,
    private readonly base: number,
  ) {}

  /** Address of a function, found by its name and version in the hash table. */
  find(name: string, version: string): number | undefined {
    const [symbols, hash, versions] = [DT_SYMTAB, DT_HASH, DT_VERSYM].map((tag) => this.entry(tag));
    for (let index = this.u32(hash + 8); index !== 0; index = this.u32(hash + 12 + 4 * index)) {
      const symbol = symbols + 24 * index;
      const isNamed = this.text(this.u32(symbol)) === name;
      if (isNamed && this.version(this.u16(versions + 2 * index)) === version) {
        return this.base + this.u64(symbol + 8);
      }
    }
    return undefined;
  }

  private version(index: number): string {
    for (let at = this.entry(DT_VERDEF); ; at += this.u32(at + 16)) {
      if (this.u16(at + 4) === index) return this.text(this.u32(at + this.u32(at + 12)));
      if (this.u32(at + 16) === 0) throw new Error(`there is no version ${index}`);
    }
  }

  private entry(tag: number): number {
    const dynamic = this.base + this.segment(PT_DYNAMIC);
    for (let at = dynamic; this.u64(at) !== 0; at += 16) {
      if (this.u64(at) === tag) return this.base + this.u64(at + 8);
    }
    throw new Error(`the dynamic section has no entry ${tag}`);
  }

  /** Virtual address of the first segment of a type. */
  private segment(type: number): number {
    const headers = this.base + this.u64(this.base + 32);
    for (let i = 0; i < this.u16(this.base + 56); i++) {
      const header = headers + i * this.u16(this.base + 54);
      if (this.u32(header) === type) return this.u64(header + 16);
    }
    throw new Error(`there is no segment of type ${type}`);
  }

  /** Whether the library is loaded where its segment says, from its header on. */
  get isInPlace(): boolean {
    return this.u32(this.base) === 0x464c457f && this.segment(PT_LOAD) === 0;
  }

  private text(offset: number): string {
    let text = '';
    for (let at = this.entry(DT_STRTAB) + offset; this.byte(at) !== 0; at++) {
      text += String.fromCharCode(this.byte(at));
    }
    return text;
  }

  private byte = (at: number): number => this.machine.space.read(at, 1)[0];
  private u16 = (at: number): number => this.machine.space.readU16(at) ?? NaN;
  private u32 = (at: number): number => this.u16(at) + 2 ** 16 * this.u16(at + 2);
  private u64 = (at: number): number => this.machine.space.readNumber64(at) ?? NaN;
}

/** Address of a function of the machine's vDSO. */
function functionOf(machine: Machine, name: string): number {
  const address = new Library(machine, VDSO).find(name, 'LINUX_4.15');
  if (address === undefined) throw new Error(`the vDSO has no ${name}`);
  return address;
}

const words = (machine: Machine, count: number): (number | undefined)[] =>
  Array.from({ length: count }, (_, i) => machine.space.readNumber64(DATA + 8 * i));

const START = 1_700_000_000_000_000_000n;

describe('the vDSO', () => {
  const clock = { monotonic: () => now, realtime: () => START + now };
  let now = 0n;
  const gettime = (machine: Machine, id: number, at = DATA): bigint =>
    machine.call(functionOf(machine, '__vdso_clock_gettime'), [BigInt(id), BigInt(at)]).integer;

  test('is a shared library that the auxiliary vector names', () => {
    const machine = machineOf('ebreak');
    const auxiliary = new BigUint64Array(machine.kernel.started.auxiliary.slice().buffer);
    const types = [...auxiliary].filter((_, i) => i % 2 === 0);
    expect(auxiliary[2 * types.indexOf(BigInt(AT_SYSINFO_EHDR)) + 1]).toBe(BigInt(VDSO));
    const library = new Library(machine, VDSO);
    expect(library.isInPlace).toBe(true);
    expect(library.find('__vdso_clock_gettime', 'LINUX_4.15')).toBeGreaterThan(VDSO);
    expect(library.find('__vdso_clock_gettime', 'LINUX_2.6')).toBeUndefined();
    expect(library.find('__vdso_nothing', 'LINUX_4.15')).toBeUndefined();
    expect(machine.memoryMap().find(({ start }) => start === VDSO)).toMatchObject({
      label: 'vDSO',
      permissions: 'r-x',
    });
  });

  test('tells each clock as the kernel does, in ticks of the time CSR', () => {
    now = 0n;
    const machine = machineOf('ebreak', { clock });
    now = 1_234_567_890_123n;
    for (const id of [1, 4, 6, 7]) {
      expect(gettime(machine, id)).toBe(0n);
      expect(words(machine, 2)).toEqual([1234, 567_890_100]);
    }
    for (const id of [0, 5]) {
      expect(gettime(machine, id)).toBe(0n);
      expect(words(machine, 2)).toEqual([1_700_001_234, 567_890_100]);
    }
    const gettimeofday = functionOf(machine, '__vdso_gettimeofday');
    expect(machine.call(gettimeofday, [BigInt(DATA), BigInt(DATA + 16)]).integer).toBe(0n);
    expect(words(machine, 3)).toEqual([1_700_001_234, 567_890, 0]);
    expect(machine.call(gettimeofday, [0n, 0n]).integer).toBe(0n);
  });

  test('asks the kernel for clocks that the time CSR does not tell', () => {
    const machine = machineOf('ebreak', { clock });
    expect(gettime(machine, 2)).toBe(0n);
    expect(gettime(machine, 99)).toBe(BigInt(-ERRNO.EINVAL));
    expect(gettime(machine, -1000)).toBe(BigInt(-ERRNO.EINVAL));
    const getres = functionOf(machine, '__vdso_clock_getres');
    expect(machine.call(getres, [1n, BigInt(DATA)]).integer).toBe(0n);
    expect(words(machine, 2)).toEqual([0, 1]);
  });

  test('tells the processor, and makes stored code run', () => {
    const machine = machineOf('ebreak');
    machine.space.writeU64(DATA, 2n ** 64n - 1n);
    const getcpu = functionOf(machine, '__vdso_getcpu');
    expect(machine.call(getcpu, [BigInt(DATA), BigInt(DATA + 4), 0n]).integer).toBe(0n);
    expect(words(machine, 1)).toEqual([0]);
    expect(machine.call(getcpu, [0n, 0n, 0n]).integer).toBe(0n);
    const flush = functionOf(machine, '__vdso_flush_icache');
    expect(machine.call(flush, [BigInt(CODE), BigInt(CODE + 4), 0n]).integer).toBe(0n);
  });

  test('and the system call never go back behind each other, on turns that a seed makes', () => {
    const text = `
        li s0, 200
        li s1, 0
      loop:
        li a0, 1
        li a1, ${DATA}
        li a7, 113
        ecall
        li a0, 1
        li a1, ${DATA + 16}
        li t0, GETTIME
        jalr t0
        li s2, ${DATA}
        ld t1, 0(s2)
        ld t2, 8(s2)
        ld t3, 16(s2)
        ld t4, 24(s2)
        li t5, 1000000000
        mul t1, t1, t5
        add t1, t1, t2
        mul t3, t3, t5
        add t3, t3, t4
        bltu t1, s1, back
        bltu t3, t1, back
        mv s1, t3
        addi s0, s0, -1
        bnez s0, loop
        li a0, 0
        j end
      back:
        li a0, 1
      end:
        li a7, 94
        ecall`;
    const address = functionOf(machineOf('ebreak'), '__vdso_clock_gettime');
    const run = (): readonly unknown[] => {
      const schedule = { kind: 'interleaved', quantum: 100, seed: 7 } as const;
      const machine = machineOf(text.replace('GETTIME', String(address)), { schedule });
      const stop = machine.runToEnd();
      return [stop, machine.instructions, ...words(machine, 4)];
    };
    const first = run();
    expect(first[0]).toEqual({ kind: 'exited', status: 0 });
    expect(run()).toEqual(first);
  });
});
