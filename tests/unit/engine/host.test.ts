import { describe, expect, it } from 'vitest';
import { clearFlags, compileModule, hostHasFusedMadd } from '../../../emulator/engine/host';
import { ModuleBuilder, relaxedMadd } from '../../../emulator/wasm';

function moduleWithMadd(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const { index, builder } = module.function(['f64', 'f64', 'f64'], ['f64']);
  const [a, b, c] = [0, 1, 2].map((i) => builder.param(i, 'f64'));
  builder.return(relaxedMadd.f64(a, b, c));
  module.export('madd', index);
  return module.build();
}

describe.skipIf(!hostHasFusedMadd())('the host’s fused multiply-add', () => {
  it('can be compiled after threads were started, and stays compiled', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    clearFlags();
    const module = compileModule(moduleWithMadd());
    clearFlags();
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const madd = exports.madd as (a: number, b: number, c: number) => number;
    // Long enough for the host's optimising compiler.
    let sum = 0;
    for (let i = 0; i < 100_000; i++) sum += madd(1 + 2 ** -30, 1 + 2 ** -30, -1 - 2 ** -29);
    expect(sum).toBe(100_000 * 2 ** -60);
  });

  it('leaves errors of modules as they are', () => {
    expect(() => compileModule(Uint8Array.of(1, 2, 3, 4))).toThrow(WebAssembly.CompileError);
  });
});
