import { UnavailableError } from '../elf/dwarf/expression';
import { typeName } from '../elf/dwarf/type-names';
import type { Hart } from '../multiprocess/hart';
import { attempt } from './answer';
import { ExpressionError } from './expression-tokens';
import { locate } from './location';
import type {
  LineInfo,
  LineLocation,
  SourceRequests,
  SourcesInfo,
  StackFrameInfo,
  StackInfo,
  VariableInfo,
} from './protocol-source';
import { sourceOf, type SourceDebugger } from './source-debugger';
import type { SourceLookup } from './source-lookup';
import type { LogicalFrame } from './stack-frames';
import { StackMemory } from './stack-memory';
import type { DebugTarget } from './target';
import { formatTopLevel } from './variables-format';
import { partCount, partExpression, partsOf, sizeOfValue, type ValuePart } from './variables-parts';
import { scalarBits, scalarOf } from './variables-arithmetic';
import type { Value } from './variables-value';

/** A value with what it is called where it is shown. */
interface Shown {
  readonly name: string;
  readonly kind: VariableInfo['kind'];
  readonly value: Value;
  readonly expression: string | undefined;
}

/** Answers what clients ask about the source of the program that is open. */
export class SourceService implements SourceRequests {
  /**
   * @param opened the program that is open
   * @param hart finds a hart by its number; both throw when there is none
   */
  constructor(
    private readonly opened: () => DebugTarget,
    private readonly hart: (id: number) => Hart,
  ) {}

  /** What is known of the source of the program that a hart runs. */
  private source(hart: Hart): SourceDebugger {
    return sourceOf(this.opened(), hart);
  }

  private lookup(hart: number): SourceLookup {
    return this.source(this.hart(hart)).lookup;
  }

  sources(hart = 0): Promise<SourcesInfo> {
    return attempt(() => {
      const { lookup, modules } = this.source(this.hart(hart));
      const [program] = modules.list();
      const { exists, separateFile: separate } = program.info;
      const files = lookup.sources();
      return {
        debugInfo: exists ? 'present' : separate === undefined ? 'none' : 'separate',
        ...(separate !== undefined && { separate }),
        files,
        problems: modules.list().flatMap(({ problems }) => problems),
      };
    });
  }

  sourceLines(path: string, hart = 0): Promise<readonly number[]> {
    return attempt(() => this.lookup(hart).linesWithCode(path));
  }

  lineAt(address: number, hart = 0): Promise<LineInfo | null> {
    return attempt(() => this.lookup(hart).lineAt(address) ?? null);
  }

  breakpointLocations(file: string, line: number, hart = 0): Promise<readonly LineLocation[]> {
    return attempt(() => this.lookup(hart).breakpointLocations(file, line));
  }

  stack(id: number, limit: number): Promise<StackInfo> {
    return attempt(() => {
      const hart = this.hart(id);
      const frames = this.source(hart).frames(hart, limit + 1);
      const activations = new Set(frames.map(({ frame }) => frame));
      const cut = activations.size > limit;
      const last = [...activations].at(-1);
      const kept = cut ? frames.filter(({ frame }) => frame !== last) : frames;
      return { hart: id, frames: kept.map((frame, n) => this.frameInfo(frame, n, hart)), cut };
    });
  }

  variables(id: number, frame: number): Promise<readonly VariableInfo[]> {
    return attempt(() => {
      const hart = this.hart(id);
      return this.source(hart)
        .variables(this.source(hart).frame(hart, frame))
        .map((each) => this.info(shownVariable(each), hart));
    });
  }

  variableParts(
    id: number,
    frame: number,
    root: number | string,
    path: readonly number[],
    start: number,
    count: number,
  ): Promise<readonly VariableInfo[]> {
    return attempt(() => {
      const hart = this.hart(id);
      const memory = new StackMemory(hart.space);
      let shown = this.root(hart, frame, root);
      for (const index of path) {
        const [part] = partsOf(shown.value, index, 1, memory);
        if (part === undefined) throw new Error(`${shown.name} has no part ${index}.`);
        shown = shownPart(shown, part);
      }
      return partsOf(shown.value, start, count, memory).map((part) =>
        this.info(shownPart(shown, part), hart),
      );
    });
  }

  evaluateInFrame(text: string, id: number, frame: number): Promise<VariableInfo> {
    return attempt(() => {
      const hart = this.hart(id);
      const shown = this.root(hart, frame, text);
      const bits = bitsOf(shown.value, new StackMemory(hart.space));
      return { ...this.info(shown, hart), ...(bits !== undefined && { bits }) };
    });
  }

  private root(hart: Hart, frame: number, root: number | string): Shown {
    const source = this.source(hart);
    const found = source.frame(hart, frame);
    if (typeof root === 'string') {
      const value = source.evaluate(root, hart, found);
      return { name: root, kind: 'expression', value, expression: root };
    }
    const variable = source.variables(found).at(root);
    if (variable === undefined) throw new Error(`Frame ${frame} has no variable ${root}.`);
    return shownVariable(variable);
  }

  private frameInfo(frame: LogicalFrame, number: number, hart: Hart): StackFrameInfo {
    const { module, name, inlined, place, frame: unwound } = frame;
    const { pc, cfa, interrupted, method } = unwound;
    const shownName = method === 'signal' ? SIGNAL_FRAME : name;
    const parameters = this.source(hart)
      .variables(frame)
      .filter(({ isParameter }) => isParameter)
      .map((each) => ({ name: each.name, value: this.source(hart).text(each.value, hart) }));
    return {
      number,
      location: module ? locate(module.symbols, pc) : { address: pc },
      ...(shownName !== undefined && { name: shownName }),
      inlined,
      interrupted,
      ...(place && { place }),
      ...(cfa !== undefined && { cfa }),
      ...(method && { method }),
      parameters,
    };
  }

  private info({ name, kind, value, expression }: Shown, hart: Hart): VariableInfo {
    const { source } = value;
    return {
      name,
      type: typeName(value.type),
      value: formatTopLevel(value, this.source(hart).formatContext(hart)),
      kind,
      parts: partCount(value, new StackMemory(hart.space)),
      ...(source.kind === 'memory' && { address: Number(source.address) }),
      size: sizeOfValue(value),
      ...(expression !== undefined && { expression }),
    };
  }
}

/** What the instructions that end a signal's handler are called: what was interrupted is the frame behind them. */
const SIGNAL_FRAME = '<signal frame>';

/** The bits of a number, pointer or enumerator; undefined of anything else, and where they cannot be had. */
function bitsOf(value: Value, memory: StackMemory): string | undefined {
  try {
    const scalar = scalarOf(value, memory);
    const size = scalar.kind === 'pointer' ? 8 : scalar.type.size;
    const bits = BigInt.asUintN(8 * size, scalarBits(scalar));
    return `0x${bits.toString(16).padStart(2 * size, '0')}`;
  } catch (error) {
    if (error instanceof ExpressionError || error instanceof UnavailableError) return undefined;
    throw error;
  }
}

const shownVariable = ({
  name,
  isParameter,
  value,
}: {
  readonly name: string;
  readonly isParameter: boolean;
  readonly value: Value;
}): Shown => ({ name, kind: isParameter ? 'parameter' : 'local', value, expression: name });

const shownPart = (whole: Shown, part: ValuePart): Shown => ({
  name: part.name === '*' ? `*${whole.name}` : part.name,
  kind: part.kind,
  value: part.value,
  expression: whole.expression === undefined ? undefined : partExpression(whole.expression, part),
});
