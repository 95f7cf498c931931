import { hostHasFusedMadd } from './host';
import { buildInterpreter } from './interpreter';

/** What the interpreter's module exports: see interpreter.ts. */
export interface Interpreter {
  readonly run: (context: number, record: number, fuel: number, reserve: number) => number;
  readonly step: (context: number, record: number, fuel: number) => number;
  /** The regions of translated code, by their place. */
  readonly regions: WebAssembly.Table;
  /** `resume` and the floating-point functions, for translated code to import. */
  readonly [name: string]: WebAssembly.ExportValue;
}

let compiled: WebAssembly.Module | undefined;
let compiledLogging: WebAssembly.Module | undefined;

/** The interpreter's module, made once in a process. */
function interpreterModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(buildInterpreter({ relaxedMadd: hostHasFusedMadd() }));
  return compiled;
}

/** The same with an access log, made when somebody first wants one. */
function loggingModule(): WebAssembly.Module {
  const options = { relaxedMadd: hostHasFusedMadd(), logged: true };
  compiledLogging ??= new WebAssembly.Module(buildInterpreter(options));
  return compiledLogging;
}

/**
 * An interpreter on the arena's memory; instances on one thread share the compiled code.
 * @param logged writes down each memory access (access-log.ts); both kinds run the same records
 */
export function instantiateInterpreter(memory: WebAssembly.Memory, logged = false): Interpreter {
  const module = logged ? loggingModule() : interpreterModule();
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as Interpreter;
}
