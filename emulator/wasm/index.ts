/** A small WebAssembly encoder: expressions, functions, modules. Its names are the specification's. */
export { call, choose, expr, select, tee } from './code';
export type { CodeWriter, Expr, Label, Local, ResultType, ValueType } from './code';
export { FunctionBuilder, sequence } from './function';
export { atomicFence, f32, f64, i32, i64, memory, relaxedMadd, unreachable } from './instructions';
export { ModuleBuilder } from './module';
