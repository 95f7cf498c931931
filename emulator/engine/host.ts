import v8 from 'node:v8';
import { ModuleBuilder, relaxedMadd } from '../wasm';

/** A module with `f32` and `f64`, each (a, b, c) -> relaxed madd, on parameters so that nothing is folded. */
function probeModule(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  for (const type of ['f32', 'f64'] as const) {
    const { index, builder } = module.function([type, type, type], [type]);
    if (type === 'f32') {
      const [a, b, c] = [0, 1, 2].map((i) => builder.param(i, 'f32'));
      builder.return(relaxedMadd.f32(a, b, c));
    } else {
      const [a, b, c] = [0, 1, 2].map((i) => builder.param(i, 'f64'));
      builder.return(relaxedMadd.f64(a, b, c));
    }
    module.export(type, index);
  }
  return module.build();
}

/** V8 before 11.4 (Node 20) has relaxed SIMD behind this flag. */
const RELAXED_SIMD = 'experimental-wasm-relaxed-simd';
/** The flag is the process's, and another thread may clear it at any time. */
const MOST_TRIES = 5;

/** Whether the flag is needed: newer hosts may refuse to change flags once they run, or not know this one any more. */
let needsFlag = false;

function compileWithFlag(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  for (let tries = 1; ; tries++) {
    v8.setFlagsFromString(`--${RELAXED_SIMD}`);
    try {
      return new WebAssembly.Module(bytes);
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
    }
  }
}

/** Compiles a module, which may have relaxed multiply-adds where `hostHasFusedMadd`. */
export function compileModule(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    if (!hostHasFusedMadd() || !needsFlag) throw error;
    return compileWithFlag(bytes);
  }
}

/**
 * To be called before a thread is started. Node keeps its own code compiled for the flags that a process begins with;
 * with others a thread starts some 30 ms later. Modules that are compiled already stay as they are.
 */
export function clearFlags(): void {
  if (needsFlag) v8.setFlagsFromString(`--no-${RELAXED_SIMD}`);
}

/** V8 of Node 20: how many bytes of code a function runs until it is optimised. Other hosts have other numbers. */
const TIERING = { v8: '11.3.', flag: 'wasm-tiering-budget', normal: 1_800_000, patient: 1e9 };

/**
 * Compiles the interpreter. Its loop is one large function, so that after some 40 instructions V8 would have another thread optimise it,
 * and a process waits for that when it ends, 70 ms: here it first runs for about a millisecond.
 */
export function compileInterpreter(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  if (!process.versions.v8.startsWith(TIERING.v8)) return compileModule(bytes);
  v8.setFlagsFromString(`--${TIERING.flag}=${TIERING.patient}`);
  try {
    return compileModule(bytes);
  } finally {
    v8.setFlagsFromString(`--${TIERING.flag}=${TIERING.normal}`);
  }
}

function compileProbe(): WebAssembly.Module | undefined {
  const bytes = probeModule();
  needsFlag = !WebAssembly.validate(bytes);
  try {
    return needsFlag ? compileWithFlag(bytes) : new WebAssembly.Module(bytes);
  } catch (error) {
    // A host that does not know the instruction.
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}

function probe(): boolean {
  const module = compileProbe();
  if (!module) return false;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  type Madd = (a: number, b: number, c: number) => number;
  const single = exports.f32 as Madd;
  const double = exports.f64 as Madd;
  // (1 + e)^2 - (1 + 2e) = e^2, which is lost when the product is rounded first.
  return (
    double(1 + 2 ** -30, 1 + 2 ** -30, -1 - 2 ** -29) === 2 ** -60 &&
    single(1 + 2 ** -13, 1 + 2 ** -13, -1 - 2 ** -12) === 2 ** -26
  );
}

let known: boolean | undefined;

/**
 * Whether WebAssembly's relaxed multiply-add (`f32x4.relaxed_madd`, `f64x2.relaxed_madd`) rounds only once
 * on this host. The specification leaves that to the host (relaxed SIMD proposal). False also where the
 * host does not know the instruction. Must be asked before a module that uses it is compiled.
 */
export function hostHasFusedMadd(): boolean {
  known ??= probe();
  return known;
}
