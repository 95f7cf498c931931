import { InvalidArgumentError } from 'commander';
import { parseSchedule, type Schedule } from '../emulator';
import { THREAD_SLOTS } from '../emulator/memory/arena-layout';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** `256M`, `1G`, `64KiB` or a number of bytes; the units are powers of 1024. */
export function parseSize(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)([KMG]?)(?:i?B)?$/i.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[unit.toUpperCase()] ?? NaN);
  if (digits === '' || !Number.isSafeInteger(bytes)) {
    throw new InvalidArgumentError('A size is a number with K, M or G, for example 256M.');
  }
  return bytes;
}

/** A positive whole number; `1e9` and `1_000_000` are understood too. */
export function parseCount(text: string): number {
  return wholeNumber(text, 1, Number.MAX_SAFE_INTEGER);
}

/** The most threads beside the main one: an arena has `THREAD_SLOTS`. */
const MOST_THREADS = THREAD_SLOTS - 1;
/** Beyond this, processes only take memory from each other. */
const MOST_PROCESSES = 64;

/** Threads for vCPUs, 0 = none. */
export const parseThreads = (text: string): number => wholeNumber(text, 0, MOST_THREADS);

/** Processes for workspace vCPUs, 0 = none. */
export const parseProcesses = (text: string): number => wholeNumber(text, 0, MOST_PROCESSES);

function wholeNumber(text: string, least: number, most: number): number {
  const count = /^\d[\d_]*(?:e\d+)?$/i.test(text) ? Number(text.replaceAll('_', '')) : NaN;
  if (Number.isSafeInteger(count) && count >= least && count <= most) return count;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  throw new InvalidArgumentError(`It must be a whole number ${range}.`);
}

/** An address in hexadecimal, with or without 0x. */
export function parseAddress(text: string): number {
  const address = /^(?:0x)?[0-9a-f]+$/i.test(text) ? parseInt(text, 16) : NaN;
  if (!Number.isSafeInteger(address)) {
    throw new InvalidArgumentError('An address is a hexadecimal number, for example 0x10078.');
  }
  return address;
}

/** Collects `NAME=value`; a later value of the same name replaces an earlier one. */
export function collectVariable(
  text: string,
  earlier: ReadonlyMap<string, string> = new Map(),
): ReadonlyMap<string, string> {
  const equals = text.indexOf('=');
  if (equals < 1) {
    throw new InvalidArgumentError('A variable is given as NAME=value.');
  }
  return new Map([...earlier, [text.slice(0, equals), text.slice(equals + 1)]]);
}

/** `parallel` or `interleaved[:quantum[:seed]]`. */
export function parseScheduleOption(text: string): Schedule {
  try {
    return parseSchedule(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
