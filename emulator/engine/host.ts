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

function probe(): boolean {
  const bytes = probeModule();
  if (!WebAssembly.validate(bytes)) {
    // V8 before 11.4 (Node 20) has relaxed SIMD behind this flag. Newer ones have it on, so that they never
    // get here: they may refuse to change flags once they run, or not know this one any more.
    v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
    if (!WebAssembly.validate(bytes)) return false;
  }
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
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
