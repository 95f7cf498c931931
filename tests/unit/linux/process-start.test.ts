import { afterEach, describe, expect, test } from 'vitest';
import { parseElf } from '../../../emulator/elf/parse';
import { AT, STACK_TOP, VDSO } from '../../../emulator/linux/process-start';
import { makeElf } from '../elf/elf-file';
import { endProcesses, TestProcess } from './process';

afterEach(endProcesses);

/** What the C library's start-up code finds from sp on. */
function stackOf(process: TestProcess): {
  args: string[];
  environment: string[];
  auxiliary: Map<number, number>;
} {
  let at = process.sp;
  const next = (): number => {
    at += 8;
    return process.u64(at - 8);
  };
  const text = (address: number): string => process.space.readString(address).text;
  const args = Array.from({ length: next() }, () => text(next()));
  expect(next()).toBe(0);
  const environment: string[] = [];
  for (let pointer = next(); pointer !== 0; pointer = next()) environment.push(text(pointer));
  const auxiliary = new Map<number, number>();
  for (let type = next(); type !== AT.NULL; type = next()) auxiliary.set(type, next());
  return { args, environment, auxiliary };
}

describe('a process begins', () => {
  test('with its arguments and environment on the stack', () => {
    const process = new TestProcess().start(['calc', '', '1 + 2 €'], ['HOME=/', 'TERM=xterm']);
    const { args, environment } = stackOf(process);
    expect(args).toEqual(['calc', '', '1 + 2 €']);
    expect(environment).toEqual(['HOME=/', 'TERM=xterm']);
    expect(process.sp % 16).toBe(0);
  });

  test('with an auxiliary vector that describes program and machine', () => {
    const process = new TestProcess().start(['/bin/calc']);
    const { auxiliary } = stackOf(process);
    expect(auxiliary.get(AT.PAGESZ)).toBe(4096);
    expect(auxiliary.get(AT.ENTRY)).toBe(0x1_0000);
    expect(auxiliary.get(AT.PHENT)).toBe(56);
    expect(auxiliary.get(AT.PHNUM)).toBe(1);
    expect(auxiliary.get(AT.SECURE)).toBe(0);
    expect(auxiliary.get(AT.HWCAP)?.toString(16)).toBe('112d');
    expect(process.bytes(auxiliary.get(AT.RANDOM) ?? 0, 16)).toEqual(new Uint8Array(16).fill(7));
    expect(process.space.readString(auxiliary.get(AT.EXECFN) ?? 0).text).toBe('/bin/calc');
    // AT_SYSINFO_EHDR: there is no vDSO.
    expect(auxiliary.get(AT.SYSINFO_EHDR)).toBe(VDSO);
  });

  test('with 8 MiB of stack above a guard page, and no frame for what is not used', () => {
    const process = new TestProcess().start();
    const { space } = process;
    const bottom = STACK_TOP - 8 * 1024 * 1024;
    expect(space.resolve(bottom - 8, 'write', 8)).toMatchObject({ kind: 'guard' });
    expect(space.arena.frames.used).toBeLessThan(8);
    expect(space.isWritable(bottom, 8)).toBe(true);
  });

  test('not when the arguments are too long: E2BIG says so', () => {
    const long = 'x'.repeat(200_000);
    expect(() => new TestProcess().start(['p', long])).toThrow(/200001 bytes: 131072 is the most/);
    const many = Array<string>(50).fill('x'.repeat(100_000));
    const start = (): unknown => new TestProcess().start(many);
    expect(start).toThrow(/need more than 2097152 bytes/);
    expect(start).toThrow(expect.objectContaining({ errno: 7 }));
  });

  test('not when it is a dynamic program: the error names its dynamic linker', () => {
    const segments = [
      { content: new Uint8Array(4) },
      { type: 3, content: Buffer.from('/lib/ld.so\0'), address: 0x2_0000 },
    ];
    const { kernel } = new TestProcess();
    expect(() => kernel.start(parseElf(makeElf({ segments })), ['p'], [])).toThrow(
      /the program is dynamic and needs \/lib\/ld\.so, which the guest's files do not have/,
    );
  });
});
