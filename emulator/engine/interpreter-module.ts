import { hostHasFusedMadd } from './host';
import { buildInterpreter } from './interpreter';

/** `run` and `step` of the interpreter: (context, record, fuel) → reason. */
export interface Interpreter {
  readonly run: (context: number, record: number, fuel: number) => number;
  readonly step: (context: number, record: number, fuel: number) => number;
}

let compiled: WebAssembly.Module | undefined;

/** The interpreter's module, made once in a process. */
function interpreterModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(buildInterpreter({ relaxedMadd: hostHasFusedMadd() }));
  return compiled;
}

/** An interpreter on the arena's memory; instances on one thread share the compiled code. */
export function instantiateInterpreter(memory: WebAssembly.Memory): Interpreter {
  const { exports } = new WebAssembly.Instance(interpreterModule(), { env: { memory } });
  return exports as unknown as Interpreter;
}
