import { describe, expect, test } from 'vitest';
import { perfettoTrace, type Trace } from '../../../emulator/profile/formats/perfetto';
import { decodeTrace } from './perfetto-schema';

const TRACE: Trace = {
  tracks: [
    { id: 1, name: 'sample', kind: 'process' },
    { id: 2, name: 'hart 0: main', kind: 'hart', parent: 1 },
    { id: 3, name: 'hart 1: task 1 vCPU 1', kind: 'hart', parent: 1 },
    { id: 4, name: 'running', kind: 'counter', parent: 1 },
  ],
  spans: [
    { track: 2, name: 'task 1', category: 'task', start: 1000, end: 9000 },
    { track: 2, name: 'fork', category: 'fork', start: 1000, end: 2000, flows: [7] },
    {
      track: 3,
      name: 'run',
      category: 'run',
      start: 2500,
      end: 9000,
      flows: [7],
      notes: { instructions: 5_000_000_000, ended: 'returned' },
    },
  ],
  counters: [{ track: 4, time: 2500, value: 2 }],
};

describe('a Perfetto trace', () => {
  const packets = decodeTrace(perfettoTrace(TRACE));
  const events = packets.flatMap((packet) =>
    packet.trackEvent ? [{ time: Number(packet.timestamp), ...packet.trackEvent }] : [],
  );

  test('describes the process, its harts and counters as tracks', () => {
    expect(packets.flatMap(({ trackDescriptor }) => trackDescriptor ?? [])).toEqual([
      { uuid: '1', process: { pid: 1, processName: 'sample' } },
      { uuid: '2', parentUuid: '1', thread: { pid: 1, tid: '2', threadName: 'hart 0: main' } },
      {
        uuid: '3',
        parentUuid: '1',
        thread: { pid: 1, tid: '3', threadName: 'hart 1: task 1 vCPU 1' },
      },
      { uuid: '4', parentUuid: '1', name: 'running', counter: {} },
    ]);
  });

  test('has spans that begin and end in the order of time, the outer around the inner', () => {
    expect(events.map(({ time, type, trackUuid, name }) => [time, type, trackUuid, name])).toEqual([
      [1000, 'TYPE_SLICE_BEGIN', '2', 'task 1'],
      [1000, 'TYPE_SLICE_BEGIN', '2', 'fork'],
      [2000, 'TYPE_SLICE_END', '2', undefined],
      [2500, 'TYPE_COUNTER', '4', undefined],
      [2500, 'TYPE_SLICE_BEGIN', '3', 'run'],
      [9000, 'TYPE_SLICE_END', '3', undefined],
      [9000, 'TYPE_SLICE_END', '2', undefined],
    ]);
  });

  test('joins fork and run by a flow, and carries values', () => {
    expect(events.filter(({ flowIds }) => flowIds?.includes('7'))).toHaveLength(2);
    expect(events[3].counterValue).toBe('2');
    expect(events[4].debugAnnotations).toEqual([
      { name: 'instructions', intValue: '5000000000' },
      { name: 'ended', stringValue: 'returned' },
    ]);
  });
});
