// Builds the bundled guests from the catalogue.
//
//   node guests/build.mjs                 into guests/bin, and records the toolchain there
//   node guests/build.mjs --out DIR       somewhere else
//   node guests/build.mjs --native DIR    the kernels for this machine, with its own gcc
//   node guests/build.mjs --toolchain     prints what would go to guests/bin/BUILT-WITH
//
// The same toolchain gives the same bytes wherever the repository lies: see `common`.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const CROSS = 'riscv64-linux-gnu-';
const NO_CPP = `no ${CROSS}g++`;
const guests = dirname(fileURLToPath(import.meta.url));
const root = dirname(guests);

/** Debugging information with paths relative to the repository, and nothing that varies. */
const common = [
  '-Wall',
  '-Wextra',
  '-Werror',
  '-g',
  `-ffile-prefix-map=${root}=.`,
  '-Iguests/runtime',
  '-Wl,--build-id=none',
];

const c = '-std=gnu11';
const riscv = ['-march=rv64gc', '-mabi=lp64d', ...common];

/** No C library; separate code, so that nothing but code is executable. */
const freestanding = [
  ...riscv,
  '-ffreestanding',
  '-nostdlib',
  '-fno-stack-protector',
  '-fasynchronous-unwind-tables',
  '-fno-tree-loop-distribute-patterns', // loops stay loops, and memcpy does not call itself
  '-ffunction-sections', // and what a guest does not use is left out
  '-Wl,--gc-sections',
  '-msmall-data-limit=0', // constants lie in .rodata: read-only, apart from the data
  '-Wl,-z,separate-code',
];
const fixed = [...freestanding, '-static', '-no-pie', '-fno-pic'];

const portable = ['print.c', 'input.c', 'benchmark.c'];
const system = ['start.S', 'start.c', 'system-riscv64.c', ...portable];

/** Multiplies and adds, which round twice, in place of fused multiply-adds. */
const UNFUSED = '-ffp-contract=off';

/** For guests with vCPUs. */
const library = ['../lib/multiprocess-start.S', '../lib/multiprocess.c'];
const tasks = [...system, ...library, 'tasks.c'];
const headers = '-Iguests/include';

/** How each value of `build` in the catalogue is compiled: flags, then files of the runtime. */
const recipes = {
  debug: { flags: [c, ...fixed, '-Og'], runtime: system },
  kernel: { flags: [c, ...fixed, '-O2'], runtime: system },
  'kernel-unfused': { flags: [c, ...fixed, '-O2', UNFUSED], runtime: system },
  'static-pie': {
    // GCC 12 for RISC-V asks for a dynamic linker even here.
    flags: [c, ...freestanding, '-static-pie', '-fPIE', '-Wl,--no-dynamic-linker,-z,text', '-Og'],
    runtime: system,
  },
  glibc: {
    flags: [c, ...riscv, '-static', '-no-pie', '-fasynchronous-unwind-tables', '-Og'],
    runtime: [],
  },
  multiprocess: { flags: [c, ...fixed, headers, '-Og'], runtime: tasks },
  'multiprocess-kernel': { flags: [c, ...fixed, headers, '-O2'], runtime: tasks },
  'multiprocess-cpp': { flags: [...fixed, headers, '-fno-exceptions', '-Og'], runtime: tasks },
  'multiprocess-glibc': {
    flags: [c, ...riscv, headers, '-static', '-no-pie', '-Og'],
    runtime: library,
  },
};

function run(command, commandArguments) {
  return execFileSync(command, commandArguments, { cwd: root, encoding: 'utf8' });
}

function fail(message) {
  console.error(`guests/build.mjs: ${message}`);
  process.exit(1);
}

/** Everything outside the repository that the bytes depend on. */
function toolchain() {
  const version = (tool) => run(`${CROSS}${tool}`, ['--version']).split('\n', 1)[0];
  let compiler;
  try {
    compiler = version('gcc');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    fail(`${CROSS}gcc is not installed; on Debian: sudo apt-get install gcc-riscv64-linux-gnu`);
  }
  const libc = run(`${CROSS}gcc`, ['-print-file-name=libc.a']).trim();
  const digest = createHash('sha256').update(readFileSync(libc)).digest('hex');
  const cpp = cppCompiler() ?? NO_CPP;
  return `${compiler}\n${version('ld')}\nlibc.a sha256 ${digest}\n${cpp}\n`;
}

/** The compiler of the C++ guests, which may be missing where that of C is not. */
function cppCompiler() {
  try {
    return run(`${CROSS}g++`, ['--version']).split('\n', 1)[0];
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  }
}

function compile(compiler, flags, guest, runtime, output) {
  const sources = [...runtime.map((file) => `runtime/${file}`), guest.source];
  try {
    run(compiler, [...flags, '-o', output, ...sources.map((file) => `guests/${file}`)]);
  } catch (error) {
    // The compiler has printed its reasons; when there is no compiler, nobody has.
    fail(`guest ${guest.name}: ${error.code === 'ENOENT' ? `no ${compiler} here` : 'not built'}`);
  }
  console.log(`${output}  ${statSync(output).size} bytes`);
}

function buildAll(catalogue, directory) {
  const recorded = toolchain();
  const withoutCpp = recorded.includes(NO_CPP);
  const committed = resolve(directory) === join(guests, 'bin');
  if (withoutCpp && committed)
    fail(`${CROSS}g++ is not installed; on Debian: sudo apt-get install g++-riscv64-linux-gnu`);
  mkdirSync(directory, { recursive: true });
  for (const guest of catalogue.guests) {
    if (withoutCpp && guest.source.endsWith('.cpp')) {
      console.log(`guest ${guest.name}: skipped, there is ${NO_CPP}`);
      continue;
    }
    const recipe = recipes[guest.build];
    if (!recipe) fail(`guest ${guest.name}: there is no build "${guest.build}"`);
    const output = join(directory, basename(guest.file));
    compile(`${CROSS}gcc`, recipe.flags, guest, recipe.runtime, output);
  }
  writeFileSync(join(directory, 'BUILT-WITH'), recorded);
}

/**
 * For comparison in benchmarks: the same sources and optimisation, on a C library; loops stay loops, as above. In
 * DIR/scalar they are without vector instructions, which gcc 12 uses at -O2 too where it knows the number of turns.
 */
function buildNative(catalogue, directory) {
  const flags = [...common, '-O2', '-fno-tree-loop-distribute-patterns'];
  const runtime = [...portable, 'system-hosted.c'];
  const scalar = join(directory, 'scalar');
  mkdirSync(scalar, { recursive: true });
  for (const guest of catalogue.guests) {
    if (!guest.build.startsWith('kernel')) continue;
    const own = guest.build === 'kernel-unfused' ? [...flags, UNFUSED] : flags;
    compile('gcc', own, guest, runtime, join(directory, guest.name));
    compile('gcc', [...own, '-fno-tree-vectorize'], guest, runtime, join(scalar, guest.name));
  }
}

function main([option, directory, ...rest]) {
  const catalogue = JSON.parse(readFileSync(join(guests, 'catalogue.json'), 'utf8'));
  if (option === undefined) buildAll(catalogue, join(guests, 'bin'));
  else if (option === '--toolchain' && !directory) process.stdout.write(toolchain());
  else if (option === '--out' && directory && !rest.length) buildAll(catalogue, resolve(directory));
  else if (option === '--native' && directory && !rest.length)
    buildNative(catalogue, resolve(directory));
  else {
    console.error('usage: node guests/build.mjs [--out DIR | --native DIR | --toolchain]');
    process.exit(2);
  }
}

main(process.argv.slice(2));
