import { compileInterpreter, hostHasFusedMadd } from './host';
import { buildInterpreter, type InterpreterVariant } from './interpreter';

/** What the interpreter's module exports: see interpreter.ts. */
export interface Interpreter {
  readonly run: (context: number, record: number, fuel: number, reserve: number) => number;
  readonly step: (context: number, record: number, fuel: number) => number;
  /** The regions of translated code, by their place. */
  readonly regions: WebAssembly.Table;
  /** `resume` and the floating-point functions, for translated code to import. */
  readonly [name: string]: WebAssembly.ExportValue;
}

const modules = new Map<InterpreterVariant, WebAssembly.Module>();

/**
 * The module of a variant, made in a process when somebody first wants one. Its threads share it, so that the same machine
 * code runs on all of them.
 */
export function interpreterModule(variant: InterpreterVariant): WebAssembly.Module {
  let module = modules.get(variant);
  if (!module) {
    const bytes = buildInterpreter({ relaxedMadd: hostHasFusedMadd(), variant });
    modules.set(variant, (module = compileInterpreter(bytes)));
  }
  return module;
}

/** Takes over what another thread has made. */
export function shareInterpreter(module: WebAssembly.Module, variant: InterpreterVariant): void {
  modules.set(variant, module);
}

/**
 * An interpreter on the arena's memory; instances on one thread share the compiled code. All variants run the
 * same records.
 */
export function instantiateInterpreter(
  memory: WebAssembly.Memory,
  variant: InterpreterVariant = 'plain',
): Interpreter {
  const { exports } = new WebAssembly.Instance(interpreterModule(variant), { env: { memory } });
  return exports as Interpreter;
}
