/** A small WebAssembly encoder: expressions, functions, modules. Its names are the specification's. */
export { call, callIndirect, choose, expr, select } from './code';
export type { Expr, Label, Local, ValueType } from './code';
export { FunctionBuilder } from './function';
export {
  atomicFence,
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i64,
  memory,
  relaxedMadd,
  unreachable,
  v128,
} from './instructions';
export { ModuleBuilder } from './module';
