import {
  addCounts,
  functionName,
  type HartProfile,
  type InstructionKind,
  type Profile,
  type ProfileCode,
} from '../model';

/** Which of the events (after Ir) an instruction of a kind counts as: reads, writes, conditional branches. */
const KIND_EVENTS: Readonly<Record<InstructionKind, readonly [number, number, number]>> = {
  load: [1, 0, 0],
  store: [0, 1, 0],
  atomic: [1, 1, 0],
  branch: [0, 0, 1],
  call: [0, 0, 0],
  other: [0, 0, 0],
};

const hex = (address: number): string => `0x${address.toString(16)}`;
const NO_FILE = '???';

/** A call site's calls of a function, over all harts. */
interface Arc {
  calls: number;
  inclusive: number;
}

/**
 * The callgrind format: costs of each instruction and line, and the calls with their inclusive cost;
 * all harts added up. Events: instructions (Ir), data reads (Dr) and writes (Dw), conditional branches
 * executed (Bc) and taken (Bt). Source: the Valgrind manual, "Callgrind Format Specification".
 */
export function callgrindProfile(profile: Profile, code: ProfileCode): string {
  const counts = addCounts(profile.harts.map((hart) => hart.counts));
  const arcs = collectArcs(profile.harts);
  const cost: Cost = profile.sampled
    ? (_, executions) => [executions]
    : (address, executions, taken) => costs(code, address, executions, taken);
  const lines = [
    '# callgrind format',
    'version: 1',
    'creator: Hartscope',
    `cmd: ${[profile.program, ...profile.arguments].join(' ')}`,
    'positions: instr line',
    `events: ${eventNames(profile)}`,
    `summary: ${totals(counts, cost).join(' ')}`,
    '',
    `ob=${profile.program}`,
  ];
  let current = '';
  counts.addresses.forEach((address, i) => {
    const name = functionName(code, code.functionAt(address)?.address ?? address);
    const place = code.lineAt(address);
    const head = `fl=${place?.file ?? NO_FILE}\nfn=${name}`;
    if (head !== current) lines.push('', head);
    current = head;
    const position = `${hex(address)} ${place?.line ?? 0}`;
    lines.push(`${position} ${cost(address, counts.executions[i], counts.taken[i]).join(' ')}`);
    for (const [callee, arc] of arcs.get(address) ?? []) {
      const target = code.lineAt(callee);
      lines.push(
        `cfi=${target?.file ?? NO_FILE}`,
        `cfn=${functionName(code, callee)}`,
        `calls=${arc.calls} ${hex(callee)} ${target?.line ?? 0}`,
        `${position} ${arc.inclusive}`,
      );
    }
  });
  return `${lines.join('\n')}\n`;
}

/** The events of an instruction. */
type Cost = (address: number, executions: number, taken: number) => readonly number[];

function eventNames({ sampled }: Profile): string {
  if (sampled === undefined) return 'Ir Dr Dw Bc Bt';
  return sampled === 'nanoseconds' ? 'ns' : 'Ir';
}

function costs(code: ProfileCode, address: number, executions: number, taken: number): number[] {
  const [reads, writes, branches] = KIND_EVENTS[code.kindAt(address)];
  return [1, reads, writes, branches].map((each) => each * executions).concat(taken);
}

function totals(counts: ReturnType<typeof addCounts>, cost: Cost): number[] {
  const sums: number[] = [];
  counts.addresses.forEach((address, i) => {
    cost(address, counts.executions[i], counts.taken[i]).forEach((each, event) => {
      sums[event] = (sums[event] ?? 0) + each;
    });
  });
  return sums;
}

/** Calls by call site, then by the function called, of all harts. */
function collectArcs(harts: readonly HartProfile[]): Map<number, Map<number, Arc>> {
  const sums = new Map<number, Map<number, Arc>>();
  for (const { arcs } of harts) {
    for (const { site, callee, calls, inclusive } of arcs) {
      const from = sums.get(site) ?? new Map<number, Arc>();
      sums.set(site, from);
      const arc = from.get(callee) ?? { calls: 0, inclusive: 0 };
      from.set(callee, arc);
      arc.calls += calls;
      arc.inclusive += inclusive;
    }
  }
  return sums;
}
