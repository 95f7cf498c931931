import { PbfWriter } from 'pbf';

/** Something that took a while on a track. */
export interface TraceSpan {
  readonly track: number;
  readonly name: string;
  readonly category: string;
  /** Nanoseconds. */
  readonly start: number;
  readonly end: number;
  /** Arrows that begin or end here: spans with the same number are joined in the order of time. */
  readonly flows?: readonly number[];
  readonly notes?: Readonly<Record<string, string | number>>;
}

/** A value over time. */
export interface TraceCounter {
  readonly track: number;
  /** Nanoseconds. */
  readonly time: number;
  readonly value: number;
}

export interface TraceTrack {
  /** Unique in the trace, above 0. */
  readonly id: number;
  readonly name: string;
  readonly kind: 'process' | 'hart' | 'counter';
  /** Track of the process; of a process: none. */
  readonly parent?: number;
}

export interface Trace {
  readonly tracks: readonly TraceTrack[];
  /** Spans of one track are nested or apart. */
  readonly spans: readonly TraceSpan[];
  readonly counters: readonly TraceCounter[];
}

/** Field numbers of Perfetto's messages (protos/perfetto/trace/track_event). */
const PACKET = { timestamp: 8, sequence: 10, event: 11, flags: 13, track: 60 } as const;
const EVENT = {
  annotation: 4,
  type: 9,
  track: 11,
  category: 22,
  name: 23,
  counter: 30,
  flow: 47,
} as const;
const TRACK = { uuid: 1, name: 2, process: 3, thread: 4, parent: 5, counter: 8 } as const;
const PROCESS = { pid: 1, name: 6 } as const;
const THREAD = { pid: 1, tid: 2, name: 5 } as const;
const ANNOTATION = { int: 4, string: 6, name: 10 } as const;
const TYPE = { begin: 1, end: 2, counter: 4 } as const;
const TRACE_PACKET = 1;
/** The one writer of the trace, and that its state begins with the first packet. */
const SEQUENCE = 1;
const STATE_CLEARED = 1;
const PID = 1;

/** One packet: [time, order among packets of the same time, what to write]. */
type Packet = readonly [time: number, order: number, write: (pbf: PbfWriter) => void];

/** A trace of Perfetto's TrackEvents, as its protobuf. */
export function perfettoTrace({ tracks, spans, counters }: Trace): Uint8Array {
  const pbf = new PbfWriter();
  tracks.forEach((track, n) => {
    pbf.writeMessage(
      TRACE_PACKET,
      (_, packet: PbfWriter) => {
        packet.writeVarintField(PACKET.sequence, SEQUENCE);
        if (n === 0) packet.writeVarintField(PACKET.flags, STATE_CLEARED);
        packet.writeMessage(PACKET.track, writeTrack, track);
      },
      undefined,
    );
  });
  const packets: Packet[] = [
    ...spans.flatMap((span): Packet[] => [
      // At one time: inner spans end first, then outer ones; outer ones begin first.
      [span.start, 1e15 - (span.end - span.start), (event) => writeBegin(span, event)],
      [span.end, -1e15 - span.start, (event) => writeEnd(span, event)],
    ]),
    ...counters.map((counter): Packet => [
      counter.time,
      0,
      (event) => {
        event.writeVarintField(EVENT.type, TYPE.counter);
        event.writeVarintField(EVENT.track, counter.track);
        event.writeVarintField(EVENT.counter, Math.round(counter.value));
      },
    ]),
  ];
  packets.sort(([a, first], [b, second]) => a - b || first - second);
  for (const [time, , write] of packets) {
    pbf.writeMessage(
      TRACE_PACKET,
      (_, packet: PbfWriter) => {
        packet.writeVarintField(PACKET.timestamp, Math.round(time));
        packet.writeVarintField(PACKET.sequence, SEQUENCE);
        packet.writeMessage(PACKET.event, (_event, event: PbfWriter) => write(event), undefined);
      },
      undefined,
    );
  }
  return pbf.finish();
}

function writeTrack(track: TraceTrack, pbf: PbfWriter): void {
  pbf.writeVarintField(TRACK.uuid, track.id);
  if (track.parent !== undefined) pbf.writeVarintField(TRACK.parent, track.parent);
  if (track.kind === 'process') {
    pbf.writeMessage(
      TRACK.process,
      (_, process: PbfWriter) => {
        process.writeVarintField(PROCESS.pid, PID);
        process.writeStringField(PROCESS.name, track.name);
      },
      undefined,
    );
    return;
  }
  if (track.kind === 'counter') {
    pbf.writeStringField(TRACK.name, track.name);
    pbf.writeMessage(TRACK.counter, () => undefined, undefined);
    return;
  }
  pbf.writeMessage(
    TRACK.thread,
    (_, thread: PbfWriter) => {
      thread.writeVarintField(THREAD.pid, PID);
      thread.writeVarintField(THREAD.tid, track.id);
      thread.writeStringField(THREAD.name, track.name);
    },
    undefined,
  );
}

function writeBegin(span: TraceSpan, pbf: PbfWriter): void {
  pbf.writeVarintField(EVENT.type, TYPE.begin);
  pbf.writeVarintField(EVENT.track, span.track);
  pbf.writeStringField(EVENT.category, span.category);
  pbf.writeStringField(EVENT.name, span.name);
  for (const flow of span.flows ?? []) pbf.writeFixed64Field(EVENT.flow, flow);
  for (const [name, value] of Object.entries(span.notes ?? {})) {
    pbf.writeMessage(
      EVENT.annotation,
      (_, note: PbfWriter) => {
        note.writeStringField(ANNOTATION.name, name);
        if (typeof value === 'string') note.writeStringField(ANNOTATION.string, value);
        else note.writeVarintField(ANNOTATION.int, Math.round(value));
      },
      undefined,
    );
  }
}

function writeEnd(span: TraceSpan, pbf: PbfWriter): void {
  pbf.writeVarintField(EVENT.type, TYPE.end);
  pbf.writeVarintField(EVENT.track, span.track);
}
