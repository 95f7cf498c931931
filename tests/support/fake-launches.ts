import type { LaunchUnit } from '../../emulator/profile/launch';
import type { SharingSideInfo } from '../../emulator/debug/protocol-conflicts';
import type {
  LaneColumns,
  LaunchList,
  LaunchPage,
  LaunchRow,
} from '../../emulator/debug/protocol-launches';

const KINDS = ['run', 'fork', 'start', 'loan', 'wait', 'syscall', 'idle', 'merge'];

/** Two tasks; in the second one the first vCPU has twice the work. */
const ROWS: readonly LaunchRow[] = [1, 2].map((task) => ({
  task,
  pc: 0x10040,
  at: 'main',
  vcpus: 2,
  instructions: 300,
  start: 1000 * task,
  duration: task === 1 ? 200 : 420,
  speedUp: 1.5,
  loadBalance: task === 1 ? 1 : 0.75,
  communicationEfficiency: 0.9,
  parallelEfficiency: task === 1 ? 0.9 : 0.675,
  began: 1_000_000 * task,
  ended: 1_000_000 * task + 420,
}));

type Spans = readonly (readonly [kind: string, start: number, end: number])[];

const lane = (vcpu: number, spans: Spans, loans: readonly number[] = []): LaneColumns => ({
  hart: vcpu,
  vcpu,
  instructions: 100 * vcpu,
  kind: Uint8Array.from(spans, ([kind]) => KINDS.indexOf(kind)),
  start: Float64Array.from(spans, ([, start]) => start),
  end: Float64Array.from(spans, ([, , end]) => end),
  loans: Float64Array.from(loans),
});

const side = (vcpu: number, from: number): SharingSideInfo => ({
  hart: vcpu,
  task: 2,
  vcpu,
  loads: 1000,
  stores: 1000,
  location: { address: 0x10048, symbol: 'work', offset: 8 },
  from,
  to: from + 8,
});

/** @param compared launches that are compared with those on one hart */
export const fakeLaunches = (compared = 0): LaunchList => ({
  launches: ROWS,
  earlier: 0,
  serial: { name: 'Serial share', value: 0.4, sentence: '40 % of the run is outside of tasks.' },
  missing: 0,
  compared,
});

export function fakeLaunch(task: number, unit: LaunchUnit): LaunchPage | null {
  const row = ROWS.find((each) => each.task === task);
  if (!row) return null;
  return {
    ...row,
    unit,
    kinds: KINDS,
    lanes: [
      lane(0, [
        ['fork', 0, 10],
        ['idle', 10, 400],
        ['merge', 400, 420],
      ]),
      lane(
        1,
        [
          ['start', 10, 20],
          ['run', 20, 400],
        ],
        [30],
      ),
      lane(2, [
        ['start', 10, 20],
        ['run', 20, 210],
        ['idle', 210, 420],
      ]),
    ],
    measures: [
      { name: 'Load balance', value: row.loadBalance, sentence: 'vCPU 1 has twice the work.' },
      { name: 'Speed-up', value: 1.5, sentence: 'One hart alone would need longer.' },
    ],
    criticalPath: [
      { hart: 0, kind: 'fork', start: 0, end: 10 },
      { hart: 1, kind: 'run', start: 20, end: 400 },
    ],
    pages: [{ page: 0x12, vcpus: [1, 2], faults: 3, cost: 2000, symbols: ['partial'] }],
    ...(task === 2 && {
      sharing: [
        {
          level: 'line' as const,
          location: { address: 0x12040, symbol: 'partial', offset: 0 },
          size: 64,
          count: 4000,
          first: side(1, 0x12040),
          second: side(2, 0x12048),
          copies: 1,
          loans: 2,
          cost: unit === 'time' ? 2500 : 0,
        },
      ],
    }),
  };
}
