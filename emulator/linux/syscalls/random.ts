import { ERRNO } from '../abi/errno';
import type { SyscallHandlers } from '../call';

const GRND_NONBLOCK = 1;
const GRND_RANDOM = 2;
const GRND_INSECURE = 4;
const CHUNK = 65536;
/** One call gives no more (include/linux/fs.h, MAX_RW_COUNT). */
const MAX_BYTES = 0x7fff_f000;

/** getrandom(2). */
export const randomCalls: SyscallHandlers = {
  getrandom(call) {
    const { kernel } = call;
    const flags = call.uint(2);
    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) return -ERRNO.EINVAL;
    if ((flags & (GRND_RANDOM | GRND_INSECURE)) === (GRND_RANDOM | GRND_INSECURE)) {
      return -ERRNO.EINVAL;
    }
    const address = call.number(0);
    const length = Math.min(call.number(1), MAX_BYTES);
    let done = 0;
    while (done < length) {
      const wanted = Math.min(length - done, CHUNK);
      const room = kernel.space.accessible(address + done, wanted, 'write');
      if (room === 0) return done > 0 ? done : -ERRNO.EFAULT;
      kernel.memory.write(address + done, kernel.randomBytes(room));
      done += room;
    }
    return done;
  },
};
