import { describe, expect, test } from 'vitest';
import { ERRNO } from '../../../emulator/linux/abi/errno';
import {
  changeStack,
  isOnStack,
  NO_STACK,
  SS_AUTODISARM,
  stackFlags,
} from '../../../emulator/linux/alternate-stack';

const STACK = { address: 0x10000, flags: 0, size: 0x2000 };
const [ONSTACK, DISABLE] = [1, 2];

describe('an alternate stack', () => {
  test('is in use while the stack pointer lies above its start and up to its end', () => {
    const pointers = [0x10000n, 0x10001n, 0x12000n, 0x12001n];
    expect(pointers.map((sp) => isOnStack(STACK, sp))).toEqual([false, true, true, false]);
    expect(stackFlags(STACK, 0x11000n)).toBe(ONSTACK);
    expect(stackFlags(STACK, 0x13000n)).toBe(0);
    expect(stackFlags(NO_STACK, 0x13000n)).toBe(DISABLE);
  });

  test('that disarms itself is never in use and says so', () => {
    const stack = { ...STACK, flags: SS_AUTODISARM };
    expect(isOnStack(stack, 0x11000n)).toBe(false);
    expect(stackFlags(stack, 0x11000n)).toBe(SS_AUTODISARM);
  });

  test('is changed while it is not in use, to one of 2048 bytes at least, or none', () => {
    const other = { address: 0x20000, flags: 0, size: 2048 };
    expect(changeStack(STACK, other, 0x30000n)).toEqual(other);
    expect(changeStack(STACK, { ...other, flags: DISABLE }, 0x30000n)).toEqual(NO_STACK);
    expect(changeStack(STACK, other, 0x11000n)).toBe(ERRNO.EPERM);
    expect(changeStack(NO_STACK, { ...other, size: 2047 }, 0n)).toBe(ERRNO.ENOMEM);
    expect(changeStack(NO_STACK, { ...other, flags: 4 }, 0n)).toBe(ERRNO.EINVAL);
  });
});
