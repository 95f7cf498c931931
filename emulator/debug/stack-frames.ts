import { DW_AT } from '../elf/dwarf/constants';
import { plainName, qualifiedName, type Scope } from '../elf/dwarf/functions';
import { DwarfError } from '../elf/dwarf/reader';
import type { Hart } from '../multiprocess/hart';
import type { SourceModule, SourceModules } from './source-modules';
import { FrameContext, type Activation } from './stack-context';
import { StackMemory } from './stack-memory';
import { Unwinder, type UnwoundFrame } from './stack-unwinder';

/** A place in a source file. */
export interface SourcePlace {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1; 0 = unknown. */
  readonly column: number;
}

/**
 * A frame as the source has it: an activation of a function, or of one that is inlined into another. Several
 * of them share one activation in memory.
 */
export interface LogicalFrame {
  readonly frame: UnwoundFrame;
  readonly activation: Activation;
  readonly module: SourceModule | undefined;
  /** The function's name, from debugging information or a symbol. */
  readonly name: string | undefined;
  readonly inlined: boolean;
  readonly place: SourcePlace | undefined;
  /** The function and the blocks of it that hold the place, the innermost last; empty without information. */
  readonly scopes: readonly Scope[];
  /** What location expressions are evaluated in. */
  readonly context: FrameContext | undefined;
}

/** What a frame is known by without its activation having been unwound. */
export type FramePlace = Omit<LogicalFrame, 'frame'>;

/** What stands at a place in code, whichever activation is there; the innermost function first. */
type PlacedFunction = Pick<LogicalFrame, 'name' | 'inlined' | 'place' | 'scopes'>;

/** Places of one module whose functions are kept; more are forgotten all at once. */
const MOST_PLACES = 1000;

/** The call stacks of harts, with inlined functions as frames of their own. */
export class StackFrames {
  private readonly unwinder: Unwinder;
  private readonly known = new WeakMap<SourceModule, Map<number, readonly PlacedFunction[]>>();

  constructor(private readonly modules: SourceModules) {
    this.unwinder = new Unwinder(modules);
  }

  /**
   * The frames of a hart, the innermost first.
   * @param limit most activations
   */
  of(hart: Hart, limit: number): LogicalFrame[] {
    const frames = this.unwinder.frames(hart, limit);
    const memory = new StackMemory(hart.space);
    return frames.flatMap((frame, index) => {
      const { lookup } = frame;
      const activation = { modules: this.modules, memory, frames, index, lookup };
      return this.split(activation).map((place) => ({ ...place, frame }));
    });
  }

  /** The innermost frame of a hart, whose stack is unwound only when a variable's place asks for it. */
  innermost(hart: Hart): FramePlace {
    const [place] = this.split(new InnermostActivation(this.modules, this.unwinder, hart));
    return place;
  }

  private split(activation: Activation): FramePlace[] {
    const module = this.modules.at(activation.lookup);
    if (module === undefined) {
      const nothing = { name: undefined, inlined: false, place: undefined, scopes: [] };
      return [{ ...nothing, activation, module, context: undefined }];
    }
    const functions = this.functionsAt(module, activation.lookup);
    const holder = functions.at(-1)?.scopes.at(0)?.entry;
    const context = holder && new FrameContext(activation, module, holder.unit, holder);
    // Written out: conditions come here at each of their hits, and a spread takes several times as long.
    return functions.map(({ name, inlined, place, scopes }) => {
      return { name, inlined, place, scopes, activation, module, context };
    });
  }

  private functionsAt(module: SourceModule, lookup: number): readonly PlacedFunction[] {
    let places = this.known.get(module);
    if (places === undefined || places.size >= MOST_PLACES) {
      places = new Map<number, readonly PlacedFunction[]>();
      this.known.set(module, places);
    }
    let functions = places.get(lookup);
    if (functions === undefined) places.set(lookup, (functions = readFunctions(module, lookup)));
    return functions;
  }
}

/** What a hart is in now; its frame is unwound when it is asked for. */
class InnermostActivation implements Activation {
  readonly memory: StackMemory;
  readonly index = 0;
  readonly lookup: number;
  private unwound: readonly UnwoundFrame[] | undefined;

  constructor(
    readonly modules: SourceModules,
    private readonly unwinder: Unwinder,
    private readonly hart: Hart,
  ) {
    this.memory = new StackMemory(hart.space);
    this.lookup = hart.state.pc;
  }

  get frames(): readonly UnwoundFrame[] {
    return (this.unwound ??= this.unwinder.frames(this.hart, 1));
  }
}

function readFunctions(module: SourceModule, lookup: number): PlacedFunction[] {
  const name = module.symbols.functionAt(lookup)?.symbol.name;
  const bare: PlacedFunction = { name, inlined: false, place: undefined, scopes: [] };
  if (!module.info.exists) return [bare];
  try {
    return splitScopes(bare, module, lookup - module.base);
  } catch (error) {
    if (!(error instanceof DwarfError)) throw error;
    module.info.units.report(error);
    return [bare];
  }
}

/** @param linked the address as linked */
function splitScopes(bare: PlacedFunction, module: SourceModule, linked: number): PlacedFunction[] {
  const { info } = module;
  const scopes = info.functions.scopesAt(linked);
  const line = info.lines.lineAt(linked);
  const here = line && { path: line.path, line: line.line, column: line.column };
  if (scopes.length === 0) return [{ ...bare, place: here }];
  const functions: PlacedFunction[] = [];
  let place: SourcePlace | undefined = here;
  let end = scopes.length;
  for (let i = scopes.length - 1; i >= 0; i--) {
    const scope = scopes[i];
    if (scope.kind === 'block') continue;
    functions.push({
      name: nameOf(scope) ?? bare.name,
      inlined: scope.kind === 'inlined',
      place,
      scopes: scopes.slice(i, end),
    });
    end = i;
    if (scope.kind === 'inlined') place = callPlace(scope, module);
  }
  return functions;
}

/** What a function or inlined function is called. */
export const nameOf = ({ entry }: Scope): string | undefined =>
  qualifiedName(entry) ?? plainName(entry);

/** Where an inlined function was called from. */
function callPlace({ entry }: Scope, { info }: SourceModule): SourcePlace | undefined {
  const line = entry.number(DW_AT.callLine);
  const file = entry.number(DW_AT.callFile);
  if (line === undefined || file === undefined) return undefined;
  const path = info.lines.fileOf(entry.unit, file);
  return path === undefined
    ? undefined
    : { path, line, column: entry.number(DW_AT.callColumn) ?? 0 };
}
