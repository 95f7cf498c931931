/** The part of the protocol that is about the source of a program: files, lines, call stacks, variables. */
import type { HartId, Location } from './protocol';

/** A source file that the program was made from. */
export interface SourceFileInfo {
  /** As the program names it; relative ones are relative to nobody knows where. */
  readonly path: string;
  /** MD5 of its content as 32 hexadecimal digits, where the program says it. */
  readonly md5?: string;
}

/** What is known of the program's source. */
export interface SourcesInfo {
  /**
   * `present`: the program holds debugging information. `separate`: it names a file that holds it, which is
   * not looked for. `none`: it was compiled without.
   */
  readonly debugInfo: 'present' | 'separate' | 'none';
  /** Name of the separate file (.gnu_debuglink), or the build id that it goes by. */
  readonly separate?: string;
  /** In alphabetical order. */
  readonly files: readonly SourceFileInfo[];
  /** What of the debugging information cannot be read. */
  readonly problems: readonly string[];
}

/** A place in a source file. */
export interface SourcePlaceInfo {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1; 0 = unknown. */
  readonly column: number;
}

/** The line of an instruction, and the instructions [start, end) that follow it in the same row. */
export interface LineInfo extends SourcePlaceInfo {
  readonly start: number;
  readonly end: number;
  readonly isStatement: boolean;
}

/** Where a breakpoint on a line goes. */
export interface LineLocation {
  readonly address: number;
  /** The line that has code: the one that was asked for, or the next that has some. */
  readonly line: number;
  readonly symbol?: string;
  /** Whether the function is inlined there. */
  readonly inlined: boolean;
}

/** A function's activation, or that of a function inlined into it. */
export interface StackFrameInfo {
  /** 0 is the innermost. */
  readonly number: number;
  /** Where it goes on. */
  readonly location: Location;
  /** The function, when known; `<signal frame>` where a signal's handler returns to. */
  readonly name?: string;
  readonly inlined: boolean;
  /** A signal's handler returns here, to what the signal interrupted. */
  readonly interrupted: boolean;
  readonly place?: SourcePlaceInfo;
  /** Canonical frame address: the caller's stack pointer. */
  readonly cfa?: number;
  /** How its caller was found: `cfi`, `signal`, `prologue`, `frame-pointer` or `link-register`. */
  readonly method?: string;
  /** Parameters with their values as text. */
  readonly parameters: readonly { readonly name: string; readonly value: string }[];
}

export interface StackInfo {
  readonly hart: HartId;
  /** The innermost first. */
  readonly frames: readonly StackFrameInfo[];
  /** There are more. */
  readonly cut: boolean;
}

/** A variable, or a part of one. */
export interface VariableInfo {
  readonly name: string;
  /** As C writes it. */
  readonly type: string;
  /** Of a scalar that was asked for as an expression: its bits, `0x…`, as many digits as its type has. */
  readonly bits?: string;
  /** As gdb shows it; `<optimized out>` and the like where it cannot be had. */
  readonly value: string;
  readonly kind: 'parameter' | 'local' | 'member' | 'base' | 'element' | 'target' | 'expression';
  /** Parts that `variableParts` gives. */
  readonly parts: number;
  /** Where it is in memory, when it is there. */
  readonly address?: number;
  /** Bytes that it takes in memory. */
  readonly size: number;
  /** An expression for it, for watching and copying, where there is one. */
  readonly expression?: string;
}

export interface SourceRequests {
  /** Of the program that a hart's process runs [hart 0's]; likewise below. */
  sources(hart?: HartId): Promise<SourcesInfo>;
  /** The lines of a file that have code, ascending. */
  sourceLines(path: string, hart?: HartId): Promise<readonly number[]>;
  lineAt(address: number, hart?: HartId): Promise<LineInfo | null>;
  /** @param file a path as the program names it, or enough of its end */
  breakpointLocations(file: string, line: number, hart?: HartId): Promise<readonly LineLocation[]>;
  /** The call stack of a hart, also while others run; at most `limit` activations. */
  stack(hart: HartId, limit: number): Promise<StackInfo>;
  /** Parameters and local variables of a frame. */
  variables(hart: HartId, frame: number): Promise<readonly VariableInfo[]>;
  /**
   * Parts of a variable: members, elements, what a pointer points to.
   * @param root number of the variable in `variables`, or an expression
   * @param path numbers of parts that lead to it
   */
  variableParts(
    hart: HartId,
    frame: number,
    root: number | string,
    path: readonly number[],
    start: number,
    count: number,
  ): Promise<readonly VariableInfo[]>;
  /** The value of a C expression in a frame. */
  evaluateInFrame(text: string, hart: HartId, frame: number): Promise<VariableInfo>;
}
