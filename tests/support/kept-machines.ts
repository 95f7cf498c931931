import { afterEach } from 'vitest';
import type { Machine } from '../../emulator';

/** A list for the machines of a test file's tests: those in it are disposed of after each test. */
export function keptMachines(): Machine[] {
  const machines: Machine[] = [];
  afterEach(() => {
    for (const machine of machines.splice(0)) machine.dispose();
  });
  return machines;
}
