import { afterEach, expect, test } from 'vitest';
import { ERRNO } from '../../../emulator/linux/abi/errno';
import { readOptions } from '../../../emulator/multiprocess/abi';
import { DATA, endProcesses, TestProcess } from '../linux/process';

afterEach(endProcesses);

const FORK_HERE = 4n;
const WORKSPACE = 5n;

function optionsOf(mode: bigint, stackBase: bigint, stackSize: bigint): unknown {
  const { space } = new TestProcess();
  const words = [72n, mode, 2n, stackBase, stackSize, 0n, 0n, 0n, 0n];
  space.write(DATA, new Uint8Array(BigUint64Array.from(words).buffer));
  return readOptions(space, DATA);
}

test.each([FORK_HERE, WORKSPACE])('mode %i takes the stack that the caller tells of', (mode) => {
  expect(optionsOf(mode, 0xffff_0000n, 0x1_0000n)).toMatchObject({ stackBase: 0xffff_0000 });
});

test.each([FORK_HERE, WORKSPACE])('mode %i refuses a stack that ends beyond 4 GiB', (mode) => {
  expect(optionsOf(mode, 0xffff_0000n, 0x1_0001n)).toBe(ERRNO.EINVAL);
  expect(optionsOf(mode, 0x7_9000n, 1n << 63n)).toBe(ERRNO.EINVAL);
});
