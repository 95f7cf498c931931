import type { MachineStop } from './debug/target';

/** One sentence about a stop, for errors and logs. */
export function describeStop(stop: MachineStop): string {
  switch (stop.kind) {
    case 'fuel':
      return 'its budget is used up';
    case 'waiting':
      return `it waits (${stop.reason})`;
    case 'breakpoint':
      return `a breakpoint at 0x${stop.address.toString(16)}`;
    case 'watch':
      return `a watched ${stop.write ? 'write' : 'read'} at 0x${stop.address.toString(16)}`;
    case 'syscall':
      return `system call ${stop.number}`;
    case 'event':
      return 'an event that a debugger waits for';
    case 'ebreak':
      return `an ebreak at 0x${stop.address.toString(16)}`;
    case 'exited':
      return `the program exited with status ${stop.status}`;
    case 'fault':
    case 'killed':
      return stop.message;
  }
}
