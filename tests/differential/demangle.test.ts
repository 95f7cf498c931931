import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { demangle } from '../../emulator/elf/demangle';
import { parseElf } from '../../emulator/elf/parse';
import { inScratch } from './binutils';

const COMPILER = 'riscv64-linux-gnu-g++';
const FILTER = 'riscv64-linux-gnu-c++filt';
const SOURCE = join(import.meta.dirname, 'demangle-conform.cpp');
/** The least part of a static program's names that is as c++filt has it. */
const LEAST = 0.95;

const missing = [COMPILER, FILTER].filter(
  (tool) => spawnSync(tool, ['--version']).error !== undefined,
);
if (missing.length > 0) {
  console.warn(`demangle.test.ts is skipped: ${missing.join(', ')} is not installed`);
}

/** The mangled names in a static program with the C++ library. */
function mangledNames(): string[] {
  return inScratch((directory) => {
    const elf = join(directory, 'program.elf');
    execFileSync(COMPILER, ['-std=c++20', '-static', SOURCE, '-o', elf]);
    const { symbols } = parseElf(new Uint8Array(readFileSync(elf)));
    const names = symbols.map(({ name }) => name).filter((name) => name.startsWith('_Z'));
    return [...new Set(names)];
  });
}

describe.skipIf(missing.length > 0)('demangled names are c++filt’s', () => {
  test('of every C++ symbol in a static program, up to few', () => {
    const names = mangledNames();
    const theirs = execFileSync(FILTER, { input: names.join('\n'), encoding: 'utf8' }).split('\n');
    const others = names.flatMap((name, i) => {
      const ours = demangle(name)?.full ?? name;
      return ours === theirs[i] ? [] : [`${name}\n  ours:   ${ours}\n  theirs: ${theirs[i]}`];
    });
    if (others.length > 0) {
      const shown = others.slice(0, 20).join('\n');
      console.warn(`${others.length} of ${names.length} names differ from c++filt's:\n${shown}`);
    }
    expect(names.length).toBeGreaterThan(3000);
    expect(others.length).toBeLessThan(names.length * (1 - LEAST));
  }, 60_000);
});
