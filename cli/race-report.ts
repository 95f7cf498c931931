import { basename } from 'node:path';
import { missing } from '../emulator/debug/conflicts';
import type { LaunchSharing } from '../emulator/debug/launch-sharing';
import { describeAddress, type SymbolTable } from '../emulator/elf/symbols';
import type { Machine } from '../emulator/machine';
import { MachineCode } from '../emulator/profile-code';
import type { Conflict, ConflictSide } from '../emulator/multiprocess/conflicts';
import type {
  FalseSharing,
  Race,
  RaceReport,
  RaceSide,
  SharingSide,
} from '../emulator/races/report';
import { hex } from './print';

/** What `run --race-check --json` prints. */
interface JsonReport extends RaceReport {
  readonly conflicts: readonly Conflict[];
}

/** Whether a report has races or conflicts: false sharing costs time only. */
export function isRacy(machine: Machine): boolean {
  return (machine.races?.races.length ?? 0) + machine.conflicts.conflicts.length > 0;
}

/** The report of a machine's race check for programs: one line. */
export function jsonReport(machine: Machine): string {
  const { races } = machine;
  if (!races) throw new Error('the machine has no race check');
  const report: JsonReport = { ...races, conflicts: machine.conflicts.conflicts };
  return `${JSON.stringify(report)}\n`;
}

/** The same for people. */
export function textReport(machine: Machine): string {
  const { races: report, conflicts, symbols } = machine;
  if (!report) throw new Error('the machine has no race check');
  const { races, falseSharing } = report;
  const code = new MachineCode(machine);
  const parts = [
    ...races.map((race) => raceText(race, symbols)),
    ...conflicts.conflicts.map((conflict) => conflictText(conflict, symbols)),
    ...falseSharing.map((sharing) => sharingText(sharing, symbols, code)),
    ...missing(report, conflicts.notKept).map((line) => `${line}\n`),
    `races: ${races.length}, conflicts: ${conflicts.conflicts.length}, false sharing: ${falseSharing.length}\n`,
  ];
  return parts.join('');
}

function raceText(race: Race, symbols: SymbolTable): string {
  const { number, address, size, first, second, count, from, to } = race;
  const all = count === 1 ? '' : `  ${count} times, at ${hex(from)} to ${hex(to - 1)}\n`;
  return (
    `race ${number}: ${bytes(size)} at ${place(symbols, address)}\n` +
    `  ${sideText(first, symbols)}\n  ${sideText(second, symbols)}\n${all}`
  );
}

function sideText(side: RaceSide, symbols: SymbolTable): string {
  const { access, value, old, pc, instructions } = side;
  const before = old === undefined ? '' : ` over ${old}`;
  const what = `${access}${value === undefined ? '' : ` of ${value}`}${before}`;
  return `${who(side)}: ${what} at ${place(symbols, pc)}, after ${instructions} instructions`;
}

function conflictText(conflict: Conflict, symbols: SymbolTable): string {
  const { task, address, size, old, first, second } = conflict;
  const side = (of: ConflictSide): string => {
    const where =
      of.pc === undefined
        ? 'at an unknown place'
        : `at ${place(symbols, of.pc)}, after ${of.instructions} instructions`;
    return `${who(of.vcpu === undefined ? of : { ...of, task })}: store of ${of.value} ${where}`;
  };
  return (
    `conflict: ${bytes(size)} at ${place(symbols, address)}, ${old} before\n` +
    `  ${side(first)}, which stays\n  ${side(second)}\n`
  );
}

/** The false sharing of a launch, most expensive first. */
export function launchSharingText(
  machine: Machine,
  task: number,
  sharing: readonly LaunchSharing[],
  most: number,
): string {
  const code = new MachineCode(machine);
  const pairs = sharing.slice(0, most).map((pair) => {
    const took = pair.cost === 0 ? '' : `, ${(pair.cost / 1e3).toFixed(1)} µs`;
    const cost = `${pair.copies} copies and ${pair.loans} loans of the page${took}`;
    return `  ${sharingText(pair, machine.symbols, code, cost).trimEnd().replaceAll('\n', '\n  ')}\n`;
  });
  const more = sharing.length > most ? `  … ${sharing.length - most} more\n` : '';
  const count = sharing.length === 1 ? '1 pair' : `${sharing.length} pairs`;
  return `\nfalse sharing in task ${task}: ${count} of harts\n${pairs.join('')}${more}`;
}

/** @param cost what it cost, where that is known */
function sharingText(
  sharing: FalseSharing,
  symbols: SymbolTable,
  code: MachineCode,
  cost?: string,
): string {
  const { level, address, count, first, second } = sharing;
  const what = level === 'line' ? 'cache line' : 'page';
  const unit = level === 'line' ? '' : ' lines';
  const at = (pc: number): string => {
    const line = code.lineAt(pc);
    const source = line ? ` (${basename(line.file)}:${line.line})` : '';
    return `${place(symbols, pc)}${source}`;
  };
  const side = (of: SharingSide): string => {
    const loads = of.loads === 0 ? [] : [`loads${unit}: ${of.loads}, at ${at(of.loadPc)}`];
    const stores = of.stores === 0 ? [] : [`stores${unit}: ${of.stores}, at ${at(of.storePc)}`];
    const used = `bytes ${of.from - address} to ${of.to - address - 1}`;
    return `${who(of)}: ${used}; ${[...loads, ...stores].join('; ')}`;
  };
  return (
    `false sharing of the ${what} at ${place(symbols, address)}: ${count} accesses` +
    `${cost === undefined ? '' : `, ${cost}`}\n` +
    `  ${side(first)}\n  ${side(second)}\n`
  );
}

const bytes = (count: number): string => (count === 1 ? '1 byte' : `${count} bytes`);

/** `hart 3 (vCPU 2 of task 1)`. */
function who({ hart, task, vcpu }: { hart: number; task?: number; vcpu?: number }): string {
  return vcpu === undefined ? `hart ${hart}` : `hart ${hart} (vCPU ${vcpu} of task ${task})`;
}

/** An address with the function or object that holds it. */
function place(symbols: SymbolTable, address: number): string {
  if (symbols.functionAt(address)) return describeAddress(symbols, address);
  const object = symbols.objectAt(address);
  if (!object) return hex(address);
  const offset = object.offset === 0 ? '' : `+${hex(object.offset)}`;
  return `${hex(address)} (${object.symbol.name}${offset})`;
}
