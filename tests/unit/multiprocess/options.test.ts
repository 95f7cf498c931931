import { afterEach, describe, expect, test } from 'vitest';
import { ERRNO } from '../../../emulator/linux/abi/errno';
import { readOptions } from '../../../emulator/multiprocess/abi';
import { keptMachines } from '../../support/kept-machines';
import { DATA as OPTIONS, endProcesses, TestProcess } from '../linux/process';
import { call, DATA, exit, finish, machineOf } from './stress';

afterEach(endProcesses);
const machines = keptMachines();

const FORK_HERE = 4n;
const WORKSPACE = 5n;

function optionsOf(mode: bigint, stackBase: bigint, stackSize: bigint): unknown {
  const { space } = new TestProcess();
  const words = [72n, mode, 2n, stackBase, stackSize, 0n, 0n, 0n, 0n];
  space.write(OPTIONS, new Uint8Array(BigUint64Array.from(words).buffer));
  return readOptions(space, OPTIONS);
}

test.each([FORK_HERE, WORKSPACE])('mode %i takes the stack that the caller tells of', (mode) => {
  expect(optionsOf(mode, 0xffff_0000n, 0x1_0000n)).toMatchObject({ stackBase: 0xffff_0000 });
});

test.each([FORK_HERE, WORKSPACE])('mode %i refuses a stack that ends beyond 4 GiB', (mode) => {
  expect(optionsOf(mode, 0xffff_0000n, 0x1_0001n)).toBe(ERRNO.EINVAL);
  expect(optionsOf(mode, 0x7_9000n, 1n << 63n)).toBe(ERRNO.EINVAL);
});

describe('struct mp_options', () => {
  const STACKS = 0x40_0000n;
  const FUNCTION = 0x1_0000n;
  const [SHARED, CALL, FORK] = [1n, 2n, 3n];

  /** What is read of a structure with these first words; the others are 0. */
  function read(size: bigint, ...rest: bigint[]): unknown {
    const { space } = new TestProcess();
    space.write(OPTIONS, new Uint8Array(BigUint64Array.from([size, ...rest]).buffer));
    return readOptions(space, OPTIONS);
  }

  test('may be of an earlier version: fields beyond its size are 0', () => {
    const options = { mode: 'fork-here', vcpus: 3, stackBase: 0, function: 0, limit: 0, flags: 0 };
    expect(read(24n, FORK_HERE, 3n, 1n, 1n)).toMatchObject(options);
  });

  test('may be of a later version: what is not known yet must be 0', () => {
    const known = [CALL, 2n, 0n, 0n, FUNCTION, 7n, 8n, 1n] as const;
    const options = { mode: 'call', vcpus: 2, data: 7n, limit: 8, flags: 1 };
    expect(read(88n, ...known, 0n, 0n)).toMatchObject(options);
    expect(read(88n, ...known, 0n, 1n)).toBe(ERRNO.E2BIG);
  });

  test.each<[string, bigint, ...bigint[]]>([
    ['fewer fields than it must have', 16n, FORK_HERE, 2n],
    ['a size that is no multiple of 8', 28n, FORK_HERE, 2n],
    ['a size beyond all versions', 8192n, FORK_HERE, 2n],
    ['no mode', 24n, 0n, 2n],
    ['an unknown mode', 24n, 6n, 2n],
    ['no vCPUs', 24n, FORK_HERE, 0n],
    ['too many vCPUs', 24n, FORK_HERE, 1025n],
    ['an unknown flag', 72n, FORK_HERE, 2n, 0n, 0n, 0n, 0n, 0n, 8n],
    ['call without a function', 72n, CALL, 2n],
    ['shared without a function', 72n, SHARED, 2n, STACKS, 4096n],
    ['shared without stacks', 72n, SHARED, 2n, 0n, 0n, FUNCTION],
    ['fork without stacks', 72n, FORK, 2n],
    ['fork with stacks of no size', 72n, FORK, 2n, STACKS],
  ])('is EINVAL with %s', (_, size, ...rest) => {
    expect(read(size, ...rest)).toBe(ERRNO.EINVAL);
  });

  test('is EFAULT where it cannot be read, all of it', () => {
    const { space } = new TestProcess();
    expect(readOptions(space, 8)).toBe(ERRNO.EFAULT);
    const end = 0x5000_1000;
    space.map(end - 4096, 4096, 3);
    space.write(end - 24, new Uint8Array(BigUint64Array.from([72n, FORK_HERE, 2n]).buffer));
    expect(readOptions(space, end - 24)).toBe(ERRNO.EFAULT);
  });
});

test('a join whose statuses cannot be written fails and may be made again', () => {
  const RESULTS = DATA + 0x1000;
  const keep = (n: number): string => `li t0, ${RESULTS + 8 * n}\nsd a0, 0(t0)`;
  const calls = [
    // There is nothing; its first word is no size of a status; as it should be; the task is gone.
    call(2001, -1, 8, 1),
    call(2001, -1, RESULTS, 1),
    call(2001, -1, 0, 0),
    call(2001, 1, 0, 0),
    call(2002, 1),
  ];
  const text = `
    ${call(2000, DATA)}
    ${calls.map((each, n) => `${each}\n${keep(n)}`).join('\n')}
    ${exit(0)}
  function:
    ${call(93, 1)}`;
  const task = { mode: 'call', vcpus: 3, function: 'function' } as const;
  const machine = machineOf(text, undefined, task);
  machines.push(machine);
  expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
  const results = calls.map((_, n) => BigInt.asIntN(64, machine.space.readU64(RESULTS + 8 * n)!));
  const { EFAULT, EINVAL, ECHILD } = ERRNO;
  expect(results.map(Number)).toEqual([-EFAULT, -EINVAL, 3, -ECHILD, -ECHILD]);
});
