import type { SyscallHandler } from '../call';
import { attributeCalls } from './attributes';
import { eventCalls } from './events';
import { execCalls } from './exec';
import { fileCalls } from './files';
import { groupCalls } from './groups';
import { ioCalls } from './io';
import { ioctlCalls } from './ioctl';
import { lockCalls } from './locks';
import { memoryCalls } from './memory';
import { nameCalls } from './names';
import { pollCalls } from './poll';
import { processCalls } from './process';
import { randomCalls } from './random';
import { signalCalls } from './signals';
import { systemCallNumber } from './table';
import { socketCalls } from './sockets';
import { threadCalls } from './threads';
import { timeCalls } from './time';
import { transferCalls } from './transfer';
import { timerCalls } from './timers';
import { waitCalls } from './wait';

/** Every call that is there, by number. A number without a handler is ENOSYS. */
export const HANDLERS: ReadonlyMap<number, SyscallHandler> = new Map(
  [
    attributeCalls,
    eventCalls,
    execCalls,
    fileCalls,
    groupCalls,
    ioCalls,
    ioctlCalls,
    lockCalls,
    memoryCalls,
    nameCalls,
    pollCalls,
    processCalls,
    randomCalls,
    signalCalls,
    threadCalls,
    socketCalls,
    timeCalls,
    transferCalls,
    timerCalls,
    waitCalls,
  ].flatMap((calls) =>
    Object.entries(calls).map(([name, handler]) => [systemCallNumber(name), handler] as const),
  ),
);
