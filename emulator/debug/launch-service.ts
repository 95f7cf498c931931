import { PAGE_SIZE } from '../memory/layout';
import {
  criticalPath,
  measureLaunch,
  serialShare,
  type Launch,
  type LaunchUnit,
  type OneHart,
  type SpanKind,
} from '../profile/launch';
import {
  LaunchRecorder,
  type LaneRecord,
  type LaunchEvent,
  type LaunchRecord,
} from '../profile/launch-recorder';
import { measureList } from '../profile/launch-report';
import { BORROWS, launchIn, sharedPages, type SharedPage } from '../profile/launch-view';
import { sharingInfo } from './conflicts';
import { launchSharing } from './launch-sharing';
import { describeLocation, locate } from './location';
import {
  MAX_LAUNCHES,
  type LaneColumns,
  type LaunchList,
  type LaunchPage,
  type LaunchRow,
  type LaunchSharingInfo,
  type OneHartLaunch,
  type SharedPageInfo,
} from './protocol-launches';
import type { DebugTarget } from './target';

/** Most pages that several vCPUs wrote in one answer. */
const MOST_PAGES = 200;
/** Most pairs that share falsely in one answer. */
const MOST_SHARING = 200;
const KINDS: readonly SpanKind[] = [
  'run',
  'fork',
  'start',
  'loan',
  'wait',
  'syscall',
  'idle',
  'merge',
];
/** Most variables of a page that are named. */
const MOST_NAMES = 4;
const NANOSECONDS = 1e6;

interface KnownLaunch {
  readonly launch: Launch;
  readonly row: LaunchRow;
}

const noRows = (): Record<LaunchUnit, WeakMap<LaunchRecord, KnownLaunch>> => ({
  time: new WeakMap(),
  instructions: new WeakMap(),
});

/** The launches of the open program, for a client. */
export class LaunchService {
  private target: DebugTarget | undefined;
  private recorder = new LaunchRecorder();
  private lost = 0;
  /** A launch does not change any more once it is in the list. */
  private rows = noRows();
  /** The same work on one hart, of each launch of the program; a restart does not change it. */
  private oneHart: readonly OneHartLaunch[] = [];
  /** Place of the first of those in its run. */
  private firstOnOneHart = 0;

  attach(target: DebugTarget): void {
    this.target = target;
    this.recorder = new LaunchRecorder();
    this.lost = 0;
  }

  /** @param lost how many events of the run nobody has read */
  take(events: readonly LaunchEvent[], lost: number): void {
    this.lost = lost;
    this.recorder.take(events);
  }

  list(unit: LaunchUnit): LaunchList {
    const { launches, now, dropped } = this.recorder;
    const all = launches.map((record, place) => this.known(record, place, unit));
    const total = unit === 'time' ? now.time : now.clock;
    return {
      launches: all.slice(-MAX_LAUNCHES).map(({ row }) => row),
      earlier: Math.max(0, all.length - MAX_LAUNCHES),
      serial: serialShare(
        all.map(({ launch }) => launch),
        total,
      ),
      missing: this.lost + dropped,
      compared: all.filter((_, place) => this.oneHartOf(place, unit) !== undefined).length,
    };
  }

  compare(oneHart: readonly OneHartLaunch[], earlier: number): void {
    this.oneHart = oneHart;
    this.firstOnOneHart = earlier;
    this.rows = noRows();
  }

  page(task: number, unit: LaunchUnit): LaunchPage | null {
    const place = this.recorder.launches.findIndex((each) => each.task === task);
    const record = this.recorder.launches[place];
    if (!record) return null;
    const { launch, row } = this.known(record, place, unit);
    const records = [record.caller, ...record.vcpus];
    return {
      ...row,
      unit,
      kinds: KINDS,
      lanes: [launch.caller, ...launch.vcpus].map((lane, i) =>
        laneColumns(lane, records[i], launch),
      ),
      measures: measureList(measureLaunch(launch, this.oneHartOf(place, unit))),
      criticalPath: criticalPath(launch).map((step) => ({
        ...step,
        start: step.start - launch.start,
        end: step.end - launch.start,
      })),
      pages: sharedPages(record, unit)
        .slice(0, MOST_PAGES)
        .map((page) => this.pageInfo(page)),
      ...this.sharingOf(record, unit),
    };
  }

  private oneHartOf(place: number, unit: LaunchUnit): OneHart | undefined {
    const found = this.oneHart[place - this.firstOnOneHart];
    return found && { instructions: found.instructions, length: found.durations[unit] };
  }

  /** @param place of the launch in the run */
  private known(record: LaunchRecord, place: number, unit: LaunchUnit): KnownLaunch {
    const before = this.rows[unit].get(record);
    if (before) return before;
    const launch = launchIn(record, unit);
    const measures = measureLaunch(launch, this.oneHartOf(place, unit));
    const { task, pc } = record;
    const symbols = this.target?.symbols;
    const row: LaunchRow = {
      task,
      pc,
      at: symbols ? describeLocation(locate(symbols, pc)) : `0x${pc.toString(16)}`,
      vcpus: launch.vcpus.length,
      instructions: launch.vcpus.reduce((sum, vcpu) => sum + vcpu.instructions, 0),
      start: launch.start,
      duration: launch.end - launch.start,
      speedUp: measures.speedUp.value,
      loadBalance: measures.loadBalance.value,
      communicationEfficiency: measures.communicationEfficiency.value,
      parallelEfficiency: measures.parallelEfficiency.value,
      began: this.recorder.beginning + record.begin.time / NANOSECONDS,
      ended: this.recorder.beginning + record.end.time / NANOSECONDS,
    };
    const made = { launch, row };
    this.rows[unit].set(record, made);
    return made;
  }

  private sharingOf(
    record: LaunchRecord,
    unit: LaunchUnit,
  ): { readonly sharing?: readonly LaunchSharingInfo[] } {
    const report = this.target?.races;
    if (!this.target || !report) return {};
    const { symbols } = this.target;
    const pairs = launchSharing(record, unit, report.falseSharing).slice(0, MOST_SHARING);
    const sharing = pairs.map((pair) => {
      const { copies, loans, cost } = pair;
      return { ...sharingInfo(pair, symbols), copies, loans, cost };
    });
    return { sharing };
  }

  private pageInfo(page: SharedPage): SharedPageInfo {
    const { target } = this;
    const start = page.page * PAGE_SIZE;
    const symbols = new Set(
      target
        ? [
            target.symbols.objectAt(start)?.symbol.name,
            ...target.symbols
              .objectsFrom(start, start + PAGE_SIZE, MOST_NAMES)
              .map(({ name }) => name),
          ].filter((name) => name !== undefined)
        : [],
    );
    const has = (address: number): boolean => Math.floor(address / PAGE_SIZE) === page.page;
    const { races, falseSharing } = target?.races ?? { races: [], falseSharing: [] };
    const isRace = races.some(({ address }) => has(address));
    const isFalse = falseSharing.some(({ address }) => has(address));
    const verdict = isRace ? 'race' : 'false sharing';
    return {
      ...page,
      symbols: [...symbols].slice(0, MOST_NAMES),
      ...((isRace || isFalse) && { verdict }),
    };
  }
}

function laneColumns(
  { hart, vcpu, instructions, spans }: Launch['caller'],
  record: LaneRecord | undefined,
  { start: zero, unit }: Launch,
): LaneColumns {
  const loans = (record?.faults ?? []).filter(({ kind }) => BORROWS.includes(kind));
  return {
    hart,
    vcpu,
    instructions,
    kind: Uint8Array.from(spans, ({ kind }) => KINDS.indexOf(kind)),
    start: Float64Array.from(spans, ({ start }) => start - zero),
    end: Float64Array.from(spans, ({ end }) => end - zero),
    loans: Float64Array.from(loans, ({ at }) => (unit === 'time' ? at.time : at.clock) - zero),
  };
}
