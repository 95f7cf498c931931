import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hartscope } from '../unit/cli/memory-host';
import { missingForGdb } from './gdb';

/** A library that the program is linked with; it is called through a stub that looks the function up. */
const SHAPE = `
struct point { int x, y; };
static int twice(int value)
{
    int doubled = value + value;
    return doubled;
}
int area(const struct point *corner, int scale)
{
    int width = corner->x * scale;
    int height = twice(corner->y);
    return width * height;
}
`;

/** A library that the program loads when it runs; the C library calls it back. */
const PLUGIN = `
#include <stdlib.h>
int calls;
static int compare(const void *a, const void *b)
{
    int difference = *(const int *)a - *(const int *)b;
    return difference;
}
int least(int *rows, int length)
{
    calls += 1;
    qsort(rows, length, sizeof(int), compare);
    return rows[0];
}
`;

const PROGRAM = `
#include <dlfcn.h>
struct point { int x, y; };
int area(const struct point *corner, int scale);
int main(int argc, char **argv)
{
    struct point corner = { 3, 4 };
    int size = area(&corner, 2 * argc);
    void *library = dlopen("libplugin.so", RTLD_NOW);
    int (*least)(int *, int) = (int (*)(int *, int))dlsym(library, "least");
    int rows[] = { 4, 9, 2 };
    return size + least(rows, 3);
}
`;

const missing = missingForGdb.filter((tool) => tool.endsWith('gcc'));
if (missing.length > 0) {
  console.warn(
    `shared libraries in the debugger: skipped, because ${missing.join(', ')} is not installed ` +
      '(apt-get install gcc-riscv64-linux-gnu)',
  );
}

/** What a verb answered, as far as it is looked at. */
interface Answer {
  readonly command?: string;
  readonly text?: string;
  readonly stop?: { readonly kind: string; readonly id?: number; readonly status?: number };
  readonly path?: string;
  readonly line?: number;
  readonly frames?: readonly {
    readonly name?: string;
    readonly parameters: readonly { readonly name: string; readonly value: string }[];
  }[];
  readonly variables?: readonly { readonly name: string; readonly value: string }[];
}

describe.skipIf(missing.length > 0)(
  'a program with shared libraries of its own',
  { timeout: 60_000 },
  () => {
    let directory = '';
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'hartscope-libraries-'));
      const lib = join(directory, 'lib');
      mkdirSync(lib);
      const compile = (name: string, text: string, ...flags: readonly string[]): void => {
        writeFileSync(join(directory, `${name}.c`), text.trimStart());
        const options = ['-g', '-O0', `${name}.c`, ...flags];
        execFileSync('riscv64-linux-gnu-gcc', options, { cwd: directory });
      };
      compile('shape', SHAPE, '-shared', '-fPIC', '-o', 'lib/libshape.so');
      compile('plugin', PLUGIN, '-shared', '-fPIC', '-o', 'lib/libplugin.so');
      compile('program', PROGRAM, '-o', 'program', '-Llib', '-lshape', '-Wl,-z,lazy');
    });
    afterAll(() => rmSync(directory, { recursive: true }));

    /** The debugger's answers to verbs. */
    async function answers(verbs: readonly string[]): Promise<Answer[]> {
      const { status, stdout } = await hartscope([
        ...['debug', '--json', '--batch', '--threads', '0', '--root', '/usr/riscv64-linux-gnu'],
        ...['--dir', `${join(directory, 'lib')}:/libraries:ro`, '-e', 'LD_LIBRARY_PATH=/libraries'],
        ...verbs.flatMap((verb) => ['-c', verb]),
        join(directory, 'program'),
      ]);
      const lines = stdout.toString().trim().split('\n');
      expect(status, lines.at(-1)).toBe(0);
      return lines.map((line) => JSON.parse(line) as Answer).filter(({ command }) => command);
    }

    /** `Breakpoint 2 plugin.c:5`, `program.c:11`. */
    const stops = (all: readonly Answer[]): string[] =>
      all.flatMap(({ stop, path, line }) => {
        if (!stop) return [];
        const place = path === undefined ? stop.kind : `${path.split('/').at(-1)}:${line}`;
        return stop.kind === 'breakpoint' ? `Breakpoint ${stop.id} ${place}` : place;
      });

    const calls = (all: readonly Answer[]): string[] =>
      (all.find(({ frames }) => frames)?.frames ?? []).map(
        ({ name, parameters }) =>
          `${name}(${parameters.map((each) => `${each.name}=${each.value}`).join(', ')})`,
      );

    it('is stepped into and out of: lines, call stack and variables are the library’s', async () => {
      const all = await answers([
        ...['next', 'next', 'step', 'step', 'step', 'next'],
        ...['backtrace', 'info locals', 'finish', 'next', 'finish', 'next'],
      ]);
      expect(stops(all)).toEqual([
        ...['program.c:5', 'program.c:6', 'program.c:7', 'shape.c:9', 'shape.c:10', 'shape.c:4'],
        ...['shape.c:5', 'shape.c:10', 'shape.c:11', 'program.c:7', 'program.c:8'],
      ]);
      expect(calls(all).slice(0, 3)).toEqual([
        'twice(value=4)',
        expect.stringMatching(/^area\(corner=0x[0-9a-f]+, scale=2\)$/),
        expect.stringMatching(/^main\(argc=1, argv=0x[0-9a-f]+\)$/),
      ]);
      const { variables } = all.find((each) => each.variables) ?? {};
      expect(variables?.map(({ name, value }) => `${name} = ${value}`)).toEqual([
        'value = 4',
        'doubled = 8',
      ]);
    });

    it('gives breakpoints their places when it loads the library, by function, line and variable', async () => {
      const all = await answers([
        ...['break plugin.c:5', 'break least', 'watch calls if calls == 1', 'info breakpoints'],
        ...['continue', 'continue', 'continue', 'backtrace 9', 'info breakpoints', 'delete'],
        'continue',
      ]);
      const [before, after] = all.filter(({ command }) => command === 'info breakpoints');
      expect(before.text?.match(/not set/g)).toHaveLength(3);
      expect(after.text).not.toContain('not set');
      expect(after.text).toMatch(/^3: write of 4 bytes at calls/m);
      const kinds = all.flatMap(({ stop }) => stop ?? []);
      expect(kinds.at(2)).toMatchObject({ kind: 'watch', id: 3 });
      expect(stops(all)).toEqual([
        ...['program.c:5', 'Breakpoint 2 plugin.c:10', 'plugin.c:11', 'Breakpoint 1 plugin.c:5'],
        'exited',
      ]);
      const names = calls(all).map((call) => call.replace(/\(.*/, ''));
      expect(names[0]).toBe('compare');
      // Between them lie functions of the C library, by its own call frame information.
      expect(names.filter((name) => /^(least|main)$/.test(name))).toEqual(['least', 'main']);
      expect(kinds.at(-1)).toMatchObject({ kind: 'exited', status: 50 });
    });

    it('has parameters that are not stored yet while a function sets up its frame', async () => {
      const all = await answers(['backtrace 1', 'break *area', 'continue', 'info locals', 'next']);
      expect(calls(all)).toEqual(['main(argc=<not stored yet>, argv=<not stored yet>)']);
      const { variables } = all.find((each) => each.variables) ?? {};
      expect(variables?.slice(0, 2).map(({ value }) => value)).toEqual([
        '<not stored yet>',
        '<not stored yet>',
      ]);
      expect(stops(all).slice(1)).toEqual(['Breakpoint 1 shape.c:8', 'shape.c:9']);
    });
  },
);
