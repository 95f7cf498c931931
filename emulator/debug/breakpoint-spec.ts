import type { Breakpoint, BreakpointSpec } from './protocol';

/** What a machine adds to what was asked for. */
const ADDED: readonly string[] = [
  'id',
  'hits',
  'location',
  'locations',
  'line',
  'watched',
  'problem',
] satisfies readonly Exclude<keyof Breakpoint, keyof BreakpointSpec>[];

/** What was asked for, without what the machine added. */
export function specOf(breakpoint: Breakpoint): BreakpointSpec {
  const asked = Object.entries(breakpoint).filter(([name]) => !ADDED.includes(name));
  return Object.fromEntries(asked) as unknown as BreakpointSpec;
}
