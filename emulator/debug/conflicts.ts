import type { SymbolTable } from '../elf/symbols';
import type { Conflict, ConflictSide } from '../multiprocess/conflicts';
import type { FalseSharing, Race, RaceReport, RaceSide, SharingSide } from '../races/report';
import { locate } from './location';
import type { Location } from './protocol';
import type {
  ConflictInfo,
  ConflictsInfo,
  ConflictSideInfo,
  FalseSharingInfo,
  SharingSideInfo,
} from './protocol-conflicts';
import type { DebugTarget } from './target';

/** Everything that harts of a machine did in each other's way. */
export function conflictsInfo(target: DebugTarget, willCheck: boolean): ConflictsInfo {
  const { races: report, conflicts, symbols } = target;
  return {
    isChecked: report !== undefined,
    willCheck,
    conflicts: [
      ...(report?.races ?? []).map((race) => raceInfo(race, symbols)),
      ...conflicts.conflicts.map((conflict, i) => conflictInfo(conflict, i + 1, symbols)),
    ],
    falseSharing: (report?.falseSharing ?? []).map((sharing) => sharingInfo(sharing, symbols)),
    missing: missing(report, conflicts.notKept),
  };
}

/** What a report leaves out, in sentences. */
export function missing(report: RaceReport | undefined, conflictBytes: number): string[] {
  const { races = 0, falseSharing = 0, pages = 0, loads = 0, words = 0 } = report?.notKept ?? {};
  return [
    [races, 'more races are not listed'],
    [conflictBytes, 'more bytes in conflict are not listed'],
    [falseSharing, 'more pairs that share falsely are not listed'],
    [pages, 'pages were forgotten for lack of room: races there may be missing'],
    [loads, 'loads were forgotten for lack of room: races with them may be missing'],
    [words, 'words of synchronisation were forgotten: some races may be none'],
  ].flatMap(([count, what]) => (count === 0 ? [] : `${count} ${what}`));
}

function raceInfo(race: Race, symbols: SymbolTable): ConflictInfo {
  const { number, address, size, first, second, count } = race;
  const side = ({ pc, ...known }: RaceSide): ConflictSideInfo => ({
    ...known,
    location: locate(symbols, pc),
  });
  return {
    number,
    kind: 'race',
    location: locateData(symbols, address),
    size,
    first: side(first),
    second: side(second),
    count,
  };
}

function conflictInfo(conflict: Conflict, number: number, symbols: SymbolTable): ConflictInfo {
  const { task, address, size, old, first, second } = conflict;
  const side = ({ hart, vcpu, value, pc, instructions }: ConflictSide): ConflictSideInfo => ({
    hart,
    ...(vcpu !== undefined && { task, vcpu }),
    access: 'store',
    value,
    old,
    ...(pc !== undefined && { location: locate(symbols, pc), instructions }),
  });
  return {
    number,
    kind: 'conflict',
    location: locateData(symbols, address),
    size,
    first: side(first),
    second: side(second),
    count: 1,
  };
}

/** False sharing with the names of its places. */
export function sharingInfo(sharing: FalseSharing, symbols: SymbolTable): FalseSharingInfo {
  const { level, address, size, count, first, second } = sharing;
  const side = ({ storePc, loadPc, ...known }: SharingSide): SharingSideInfo => ({
    ...known,
    location: locate(symbols, storePc === 0 ? loadPc : storePc),
  });
  return {
    level,
    location: locateData(symbols, address),
    size,
    count,
    first: side(first),
    second: side(second),
  };
}

/** An address with the object that holds it. */
function locateData(symbols: SymbolTable, address: number): Location {
  const place = symbols.objectAt(address);
  return place ? { address, symbol: place.symbol.name, offset: place.offset } : { address };
}
