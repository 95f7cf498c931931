import { addCounts, type Profile, type ProfileCode } from '../model';

/** What one source file's lines cost. */
interface FileCoverage {
  readonly lines: Map<number, number>;
  /** Conditional branches: [line, taken, not taken], in the order of addresses. */
  readonly branches: [line: number, taken: number, notTaken: number][];
  /** Functions: where they begin, and how often they were entered. */
  readonly functions: Map<string, { readonly line: number; count: number }>;
}

/**
 * Line, branch and function coverage as LCOV's tracefile, all harts added up. A line has the count of
 * that of its instructions which ran most often. `executable` are the addresses of all instructions with
 * a line, so that lines that never ran are in it too. Source: the geninfo(1) manual.
 */
export function lcovTracefile(
  profile: Profile,
  code: ProfileCode,
  executable: Iterable<number>,
): string {
  const { addresses, executions, taken } = addCounts(profile.harts.map(({ counts }) => counts));
  const ran = new Map([...addresses].map((address, i) => [address, i]));
  const files = new Map<string, FileCoverage>();
  for (const address of executable) {
    const place = code.lineAt(address);
    if (place === undefined || place.line === 0) continue;
    const file: FileCoverage = files.get(place.file) ?? {
      lines: new Map(),
      branches: [],
      functions: new Map(),
    };
    files.set(place.file, file);
    const i = ran.get(address);
    const count = i === undefined ? 0 : executions[i];
    file.lines.set(place.line, Math.max(file.lines.get(place.line) ?? 0, count));
    if (code.kindAt(address) === 'branch') {
      const yes = i === undefined ? 0 : taken[i];
      file.branches.push([place.line, yes, count - yes]);
    }
    const found = code.functionAt(address);
    if (found?.address === address) file.functions.set(found.name, { line: place.line, count });
  }
  return [...files].map(([path, file]) => record(path, file)).join('');
}

function record(path: string, { lines, branches, functions }: FileCoverage): string {
  const out = ['TN:', `SF:${path}`];
  for (const [name, { line }] of functions) out.push(`FN:${line},${name}`);
  for (const [name, { count }] of functions) out.push(`FNDA:${count},${name}`);
  out.push(`FNF:${functions.size}`);
  out.push(`FNH:${[...functions.values()].filter(({ count }) => count > 0).length}`);
  const blocks = new Map<number, number>();
  for (const [line, yes, no] of branches) {
    const block = blocks.get(line) ?? 0;
    blocks.set(line, block + 1);
    // A branch that was never reached has no counts, not zeros.
    const counts = yes + no === 0 ? ['-', '-'] : [yes, no];
    counts.forEach((count, branch) => out.push(`BRDA:${line},${block},${branch},${count}`));
  }
  out.push(`BRF:${2 * branches.length}`);
  const hit = branches.reduce((sum, [, yes, no]) => sum + Number(yes > 0) + Number(no > 0), 0);
  out.push(`BRH:${hit}`);
  const ordered = [...lines].sort(([a], [b]) => a - b);
  for (const [line, count] of ordered) out.push(`DA:${line},${count}`);
  out.push(`LF:${lines.size}`, `LH:${ordered.filter(([, count]) => count > 0).length}`);
  out.push('end_of_record');
  return `${out.join('\n')}\n`;
}
