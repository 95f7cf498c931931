import type { Hart } from '../multiprocess/hart';
import type { FunctionFinder, ProgramSymbol } from '../elf/symbols';
import { sourceOf } from './source-debugger';
import type { SourceModule } from './source-modules';
import type { DebugTarget } from './target';

/**
 * The symbols of a name, in the program or else in the dynamic linker or a shared library of the
 * hart's process; several where C++ functions differ in their parameters only.
 */
export function symbolsNamed(
  target: DebugTarget,
  hart: Hart,
  name: string,
): readonly ProgramSymbol[] {
  const own = target.symbolsOf(hart).allByName(name);
  if (own.length > 0) return own;
  for (const { symbols } of sourceOf(target, hart).modules.list().slice(1)) {
    const found = symbols.allByName(name);
    if (found.length > 0) return found;
  }
  return [];
}

/** The functions of a hart's process: the program's, or else those of its dynamic linker and shared libraries. */
export function functionsOf(target: DebugTarget, hart: Hart): FunctionFinder {
  const own = target.symbolsOf(hart);
  let libraries: readonly SourceModule[] | undefined;
  return {
    functionAt(address) {
      const place = own.functionAt(address);
      if (place) return place;
      libraries ??= sourceOf(target, hart).modules.list().slice(1);
      return libraries.find((each) => each.holds(address))?.symbols.functionAt(address);
    },
  };
}
