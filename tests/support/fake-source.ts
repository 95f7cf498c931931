import type {
  LineInfo,
  LineLocation,
  SourceRequests,
  SourcesInfo,
  StackFrameInfo,
  StackInfo,
  VariableInfo,
} from '../../emulator/debug/protocol-source';

/** Where the fake program's code begins, and how many bytes of it each source line has. */
const CODE = 0x10000;
const BYTES_PER_LINE = 8;
const LINES = 64;
const FAKE_FILE = 'src/fake.c';

/** The text of the fake program's source: a line for each 8 bytes of code. */
export const FAKE_TEXT = Array.from(
  { length: LINES },
  (_, i) => `  step(${i + 1}); // line ${i + 1}`,
)
  .join('\n')
  .concat('\n');

const POINT: readonly VariableInfo[] = ['x', 'y'].map((name, i) => ({
  name,
  type: 'int',
  value: String(i + 1),
  kind: 'member',
  parts: 0,
  size: 4,
  expression: `point.${name}`,
}));

/** A program whose source is known: every answer follows from the pc. */
export abstract class FakeSource implements SourceRequests {
  /** Whether the program was compiled with -g. */
  debugInfo: SourcesInfo['debugInfo'] = 'present';

  protected abstract pcOf(hart: number): number;

  async sources(): Promise<SourcesInfo> {
    const { debugInfo } = this;
    return { debugInfo, files: debugInfo === 'present' ? [{ path: FAKE_FILE }] : [], problems: [] };
  }

  async sourceLines(): Promise<readonly number[]> {
    return Array.from({ length: LINES }, (_, i) => i + 1);
  }

  async lineAt(address: number): Promise<LineInfo | null> {
    const line = 1 + Math.floor((address - CODE) / BYTES_PER_LINE);
    if (line < 1 || line > LINES || this.debugInfo !== 'present') return null;
    const start = CODE + (line - 1) * BYTES_PER_LINE;
    const end = start + BYTES_PER_LINE;
    return { path: FAKE_FILE, line, column: 3, start, end, isStatement: true };
  }

  async breakpointLocations(_file: string, line: number): Promise<readonly LineLocation[]> {
    const address = CODE + (line - 1) * BYTES_PER_LINE;
    return line > LINES ? [] : [{ address, line, symbol: 'main', inlined: false }];
  }

  async stack(hart: number): Promise<StackInfo> {
    const pc = this.pcOf(hart);
    const line = await this.lineAt(pc);
    const frame = (number: number, name: string, at: number): StackFrameInfo => ({
      number,
      location: { address: at, symbol: name, offset: 0 },
      name,
      inlined: false,
      interrupted: false,
      ...(line && { place: { path: FAKE_FILE, line: line.line + number, column: 3 } }),
      cfa: 0xff00 + 16 * number,
      method: 'cfi',
      parameters: number === 0 ? [{ name: 'n', value: String(hart) }] : [],
    });
    return {
      hart,
      frames: [frame(0, hart === 0 ? 'dot' : 'work', pc), frame(1, 'main', CODE)],
      cut: false,
    };
  }

  async variables(hart: number): Promise<readonly VariableInfo[]> {
    const common = { size: 4, parts: 0, type: 'int' } as const;
    return [
      { ...common, name: 'n', value: String(hart), kind: 'parameter', expression: 'n' },
      {
        name: 'point',
        type: 'struct point',
        value: '{x = 1, y = 2}',
        kind: 'local',
        parts: 2,
        size: 8,
        address: 0x2000,
        expression: 'point',
      },
      { ...common, name: 'lost', value: '<optimized out>', kind: 'local', expression: 'lost' },
    ];
  }

  async variableParts(): Promise<readonly VariableInfo[]> {
    return POINT;
  }

  async evaluateInFrame(text: string): Promise<VariableInfo> {
    const known = (await this.variables(0)).find(({ name }) => name === text);
    if (!known) throw new Error(`No variable, register or symbol is called ${text}.`);
    return { ...known, kind: 'expression' };
  }
}
