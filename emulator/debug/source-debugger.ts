import type { Hart, HartOwner } from '../multiprocess/hart';
import { SourceLookup } from './source-lookup';
import { SourceModules, type KnownModules, type LoadedImage } from './source-modules';
import { StackFrames, type FramePlace, type LogicalFrame } from './stack-frames';
import { StackMemory } from './stack-memory';
import { Unwinder } from './stack-unwinder';
import type { DebugTarget } from './target';
import { Expression } from './expression';
import { formatValue, type FormatContext } from './variables-format';
import { frameScope } from './variables-names';
import { variablesOf, variableValue } from './variables-scope';
import type { Value } from './variables-value';

/** Activations that are unwound where nobody says how many. */
const USUAL_FRAMES = 256;

/** What the source says about a program that is being debugged. `sourceOf` has the one of a target. */
export class SourceDebugger {
  readonly modules: SourceModules;
  readonly lookup: SourceLookup;
  readonly unwinder: Unwinder;
  private readonly stacks: StackFrames;

  /** @param images lists the files that are loaded now, the program first */
  constructor(images: () => readonly LoadedImage[], known?: KnownModules) {
    this.modules = new SourceModules(images, known);
    this.lookup = new SourceLookup(this.modules);
    this.unwinder = new Unwinder(this.modules);
    this.stacks = new StackFrames(this.modules);
  }

  /** The frames of a hart, inlined functions among them, the innermost first. */
  frames(hart: Hart, limit = USUAL_FRAMES): LogicalFrame[] {
    return this.stacks.of(hart, limit);
  }

  /**
   * A frame by its number.
   * @throws Error when the hart has no such frame
   */
  frame(hart: Hart, number: number): LogicalFrame {
    const frame = this.frames(hart, number + 1).at(number);
    if (frame === undefined) throw new Error(`Hart ${hart.index} has no frame ${number}.`);
    return frame;
  }

  /** The innermost frame of a hart, which is unwound only when a variable needs it. */
  innermost(hart: Hart): FramePlace {
    return this.stacks.innermost(hart);
  }

  /** Parameters and local variables of a frame with their values. */
  variables(
    frame: LogicalFrame,
  ): readonly { readonly name: string; readonly isParameter: boolean; readonly value: Value }[] {
    const { context } = frame;
    if (context === undefined) return [];
    return variablesOf(frame).map(({ name, isParameter, entry }) => ({
      name,
      isParameter,
      value: variableValue(entry, context),
    }));
  }

  /**
   * The value of an expression in a frame.
   * @param frame [the innermost]
   * @param extra names that stand before all others
   * @throws ExpressionError, UnavailableError, DwarfError with what is wrong or missing
   */
  evaluate(
    expression: string | Expression,
    hart: Hart,
    frame: FramePlace = this.innermost(hart),
    extra: Readonly<Record<string, bigint>> = {},
  ): Value {
    const read = typeof expression === 'string' ? new Expression(expression) : expression;
    return read.evaluate(frameScope(this.modules, frame, hart, extra));
  }

  /** A value as text, as a hart's memory has it. */
  text(value: Value, hart: Hart): string {
    return formatValue(value, this.formatContext(hart));
  }

  formatContext(hart: Hart): FormatContext {
    return {
      memory: new StackMemory(hart.space),
      symbolAt: (address) => this.symbolAt(address),
    };
  }

  /** `name` or `name+8` for an address of code or data. */
  symbolAt(address: number): string | undefined {
    const symbols = this.modules.at(address)?.symbols;
    const place = symbols?.functionAt(address) ?? symbols?.objectAt(address);
    if (place === undefined) return undefined;
    return place.offset === 0 ? place.symbol.name : `${place.symbol.name}+${place.offset}`;
  }
}

/** What was read for a target: files, and what it says of each process. */
interface Known {
  readonly modules: KnownModules;
  readonly processes: WeakMap<HartOwner, SourceDebugger>;
}

const known = new WeakMap<DebugTarget, Known>();

/**
 * What the source says about the program that a hart's process runs: one for each process, which everybody shares.
 * @param hart [one of the first process]
 */
export function sourceOf(target: DebugTarget, hart: Hart = target.liveHarts[0]): SourceDebugger {
  let { modules, processes } = known.get(target) ?? {};
  if (!modules || !processes) {
    modules = new Map();
    processes = new WeakMap();
    known.set(target, { modules, processes });
  }
  const { owner } = hart;
  let source = processes.get(owner);
  if (!source) {
    source = new SourceDebugger(() => target.imagesOf(owner), modules);
    processes.set(owner, source);
  }
  return source;
}
