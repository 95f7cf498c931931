import { EXECUTE, READ, WRITE, type AddressSpace } from '../memory/address-space';
import { OutOfMemory } from '../memory/errors';
import { PAGE_SIZE } from '../memory/layout';
import { STACK_TOP } from './process-start';

/** Where handlers return to: alone in the 64 KiB above the main stack. */
export const TRAMPOLINE = STACK_TOP + 8 * PAGE_SIZE;

/**
 * What `__vdso_rt_sigreturn` is in Linux. Debuggers and the unwinder of libgcc know the frame of a handler by
 * these very instructions.
 *
 *     li a7, 139      # rt_sigreturn
 *     ecall
 */
const CODE = Uint32Array.of(0x08b0_0893, 0x0000_0073);

/** Maps the page with the code that ends a signal handler. */
export function mapTrampoline(space: AddressSpace): void {
  space.map(TRAMPOLINE, PAGE_SIZE, READ | WRITE);
  const code = new Uint8Array(CODE.buffer);
  if (space.write(TRAMPOLINE, code) < code.length) {
    throw new OutOfMemory('the memory limit leaves no room for the code that ends signal handlers');
  }
  space.protect(TRAMPOLINE, PAGE_SIZE, READ | EXECUTE);
}
