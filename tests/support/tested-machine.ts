import type { MachineOptions } from '../../emulator';
import { TESTED_ENGINE } from './guest-hart';

/**
 * The engine of machines in tests without a choice of their own: everything is translated where vitest.config.ts runs them for the
 * translator, else nothing but what is hot.
 */
export const TESTED_MACHINE: Pick<MachineOptions, 'engine'> =
  TESTED_ENGINE === 'translator' ? { engine: TESTED_ENGINE } : {};
