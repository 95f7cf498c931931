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

/** The call stacks of harts, with inlined functions as frames of their own. */
export class StackFrames {
  private readonly unwinder: Unwinder;

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
    return frames.flatMap((_, index) =>
      this.split({ modules: this.modules, memory, frames, index }),
    );
  }

  private split(activation: Activation): LogicalFrame[] {
    const frame = activation.frames[activation.index];
    const module = this.modules.at(frame.lookup);
    const symbol = module?.symbols.functionAt(frame.lookup)?.symbol.name;
    const bare: LogicalFrame = {
      frame,
      activation,
      module,
      name: symbol,
      inlined: false,
      place: undefined,
      scopes: [],
      context: undefined,
    };
    if (module === undefined || !module.info.exists) return [bare];
    try {
      return splitScopes(bare, module);
    } catch (error) {
      if (!(error instanceof DwarfError)) throw error;
      module.info.units.report(error);
      return [bare];
    }
  }
}

function splitScopes(bare: LogicalFrame, module: SourceModule): LogicalFrame[] {
  const { frame, activation } = bare;
  const { info, base } = module;
  const linked = frame.lookup - base;
  const scopes = info.functions.scopesAt(linked);
  const line = info.lines.lineAt(linked);
  const here = line && { path: line.path, line: line.line, column: line.column };
  if (scopes.length === 0) return [{ ...bare, place: here }];
  const holder = scopes[0].entry;
  const context = new FrameContext(activation, module, holder.unit, holder);
  const frames: LogicalFrame[] = [];
  let place: SourcePlace | undefined = here;
  let end = scopes.length;
  for (let i = scopes.length - 1; i >= 0; i--) {
    const scope = scopes[i];
    if (scope.kind === 'block') continue;
    frames.push({
      ...bare,
      name: nameOf(scope) ?? bare.name,
      inlined: scope.kind === 'inlined',
      place,
      scopes: scopes.slice(i, end),
      context,
    });
    end = i;
    if (scope.kind === 'inlined') place = callPlace(scope, module);
  }
  return frames;
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
