import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { afterAll, describe, expect, test } from 'vitest';

/*
 * The bundled guests: the catalogue is true, the committed programs are what their sources build,
 * and QEMU's output of each is what `guests/expected` says (which then holds for our emulator too).
 */

const guests = fileURLToPath(new URL('../../guests', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'hartscope-guests-'));
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

const text = v.pipe(v.string(), v.minLength(1));

const Catalogue = v.strictObject({
  guests: v.array(
    v.strictObject({
      name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/)),
      description: v.pipe(v.string(), v.regex(/^[A-Z].{10,100}\.$/)),
      file: v.pipe(v.string(), v.regex(/^bin\/[a-z0-9-]+\.elf$/)),
      source: v.pipe(v.string(), v.regex(/^src\/[a-z0-9-]+\.(c|cpp)$/)),
      build: v.picklist([
        'debug',
        'kernel',
        'kernel-unfused',
        'static-pie',
        'glibc',
        'multiprocess',
        'multiprocess-kernel',
        'multiprocess-cpp',
        'multiprocess-glibc',
      ]),
      arguments: v.array(v.string()),
      readsTerminal: v.boolean(),
      entry: text,
      tags: v.pipe(v.array(text), v.minLength(1)),
    }),
  ),
});

/**
 * One run of a guest and how it ends: with status 0 unless `status`, `signal` or `endless` says else.
 * With `emulator` it makes system calls that only Hartscope has: QEMU cannot run it.
 */
const Runs = v.strictObject({
  runs: v.array(
    v.strictObject({
      guest: text,
      arguments: v.array(v.string()),
      input: v.optional(v.string(), ''),
      environment: v.optional(v.record(v.string(), v.string()), {}),
      status: v.optional(v.number()),
      signal: v.optional(v.string()),
      endless: v.optional(v.boolean(), false),
      emulator: v.optional(v.boolean(), false),
      output: v.pipe(v.string(), v.regex(/^[a-z0-9-]+\.txt$/)),
    }),
  ),
});
type Run = v.InferOutput<typeof Runs>['runs'][number];

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(guests, path), 'utf8'));
}

const catalogue = v.parse(Catalogue, readJson('catalogue.json')).guests;
const runs = v.parse(Runs, readJson('expected/runs.json')).runs;

/** What the tests need of an ELF64 file (System V gABI, chapters "ELF header", "Sections"). */
function inspect(path: string): { machine: number; sections: string[]; functions: string[] } {
  const bytes = readFileSync(join(guests, path));
  expect(bytes.toString('latin1', 0, 6), path).toBe('\x7fELF\x02\x01');
  const address = (at: number): number => Number(bytes.readBigUInt64LE(at));
  const string = (at: number): string => bytes.toString('latin1', at, bytes.indexOf(0, at));

  const headers = Array.from({ length: bytes.readUInt16LE(60) }, (_, i) => {
    const at = address(40) + i * bytes.readUInt16LE(58);
    return {
      name: bytes.readUInt32LE(at),
      offset: address(at + 24),
      size: address(at + 32),
      link: bytes.readUInt32LE(at + 40),
    };
  });
  const names = headers[bytes.readUInt16LE(62)]?.offset ?? 0;
  const sections = headers.map((header) => string(names + header.name));

  const table = headers[sections.indexOf('.symtab')];
  const strings = headers[table?.link ?? 0]?.offset ?? 0;
  const functions: string[] = [];
  for (let at = table?.offset ?? 0; table && at < table.offset + table.size; at += 24)
    if ((bytes.readUInt8(at + 4) & 15) === 2)
      functions.push(string(strings + bytes.readUInt32LE(at)));
  return { machine: bytes.readUInt16LE(18), sections, functions };
}

describe('the catalogue of guests', () => {
  test('names every guest once', () => {
    const names = catalogue.map((guest) => guest.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['hello', 'calc', 'dot', 'mandelbrot', 'crash']));
  });

  test('lists every committed program, and no other', () => {
    const committed = readdirSync(join(guests, 'bin')).filter((file) => file.endsWith('.elf'));
    expect(catalogue.map((guest) => basename(guest.file)).sort()).toEqual(committed.sort());
  });

  test('uses every source, and no other', () => {
    const sources = readdirSync(join(guests, 'src')).sort();
    expect([...new Set(catalogue.map((guest) => basename(guest.source)))].sort()).toEqual(sources);
  });

  test.each(catalogue)('$name is a RISC-V program with its entry function and DWARF', (guest) => {
    const { machine, sections, functions } = inspect(guest.file);
    expect(machine).toBe(243);
    expect(functions).toContain(guest.entry);
    expect(sections).toEqual(expect.arrayContaining(['.debug_info', '.debug_line']));
  });

  test.each(catalogue)('$name is small', (guest) => {
    const limit = guest.build.endsWith('glibc') ? 800_000 : 80_000;
    expect(readFileSync(join(guests, guest.file)).length).toBeLessThan(limit);
  });
});

describe('the expected outputs', () => {
  test('cover every guest', () => {
    const covered = [...new Set(runs.map((run) => run.guest))].sort();
    expect(covered).toEqual(catalogue.map((guest) => guest.name).sort());
  });

  test('are all used', () => {
    const files = readdirSync(join(guests, 'expected')).filter((file) => file.endsWith('.txt'));
    expect([...new Set(runs.map((run) => run.output))].sort()).toEqual(files.sort());
  });
});

const build = join(guests, 'build.mjs');

/** Why the guests in C, or those in C++, cannot be rebuilt here for a comparison. */
function whyNoRebuild(): { c?: string; cpp?: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [build, '--toolchain'], {
    encoding: 'utf8',
  });
  if (status !== 0) return { c: stderr.trim() };
  const recorded = readFileSync(join(guests, 'bin/BUILT-WITH'), 'utf8');
  if (stdout === recorded) return {};
  const why = `The programs were built with\n${recorded}but here is\n${stdout}`;
  // The C++ compiler is the last line, and the guests in C do not depend on it.
  const withoutCpp = (toolchain: string): string => toolchain.replace(/.*\n$/, '');
  return withoutCpp(stdout) === withoutCpp(recorded) ? { cpp: why } : { c: why };
}

const noRebuild = whyNoRebuild();
if (noRebuild.c) console.warn(`Skipped: rebuilding the guests and comparing them. ${noRebuild.c}`);
if (noRebuild.cpp) console.warn(`Skipped: comparing the guests in C++. ${noRebuild.cpp}`);

test.skipIf(noRebuild.c)('the committed guests equal a new build byte for byte', () => {
  const output = join(scratch, 'build');
  const { status, stderr } = spawnSync(process.execPath, [build, '--out', output], {
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  for (const { file, source } of catalogue) {
    if (noRebuild.cpp && source.endsWith('.cpp')) continue;
    const same = readFileSync(join(output, basename(file))).equals(
      readFileSync(join(guests, file)),
    );
    expect(same, `${file} differs; run: node guests/build.mjs`).toBe(true);
  }
});

/** The path of a program, as the shell would find it. */
function findProgram(name: string): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue; // not in this directory
    }
  }
  return undefined;
}

const qemu = findProgram('qemu-riscv64-static');
if (!qemu) {
  console.warn(
    'Skipped: running the guests in QEMU. qemu-riscv64-static is not installed; ' +
      'on Debian: sudo apt-get install qemu-user-static',
  );
}

interface Outcome {
  output: string;
  status: number | null;
  signal: string | null;
}

/** Runs a guest to its end; an endless one until `enough` bytes have come, then kills it. */
function runInQemu(program: string, run: Run, enough: number): Promise<Outcome> {
  const file = catalogue.find((guest) => guest.name === run.guest)?.file ?? '';
  return new Promise((resolve, reject) => {
    // In the scratch directory, because QEMU may leave a core file.
    const child = spawn(program, [join(guests, file), ...run.arguments], {
      cwd: scratch,
      env: run.environment,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      output += part;
      if (run.endless && output.length >= enough) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.stdin.on('error', () => undefined); // a guest may end before it has read its input
    child.on('close', (status, signal) => {
      resolve({ output: output.replace(/(_us|time)=[0-9.]+/g, '$1=<time>'), status, signal });
    });
    child.stdin.end(run.input);
  });
}

describe.skipIf(!qemu)('in QEMU', () => {
  test.each(runs.filter((run) => !run.emulator))(
    '$guest $arguments prints $output',
    async (run) => {
      const expected = readFileSync(join(guests, 'expected', run.output), 'utf8');
      const signal = run.endless ? 'SIGKILL' : (run.signal ?? null);
      const status = signal ? null : (run.status ?? 0);
      const outcome = await runInQemu(qemu ?? '', run, expected.length);
      expect(outcome).toEqual({ output: expected, status, signal });
    },
  );
});
