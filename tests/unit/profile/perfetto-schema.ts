import { join } from 'node:path';
import protobuf from 'protobufjs';

export interface Packet {
  readonly timestamp?: string;
  readonly trackDescriptor?: Readonly<Record<string, unknown>>;
  readonly trackEvent?: {
    readonly type: string;
    readonly trackUuid: string;
    readonly name?: string;
    readonly flowIds?: readonly string[];
    readonly counterValue?: string;
    readonly debugAnnotations?: readonly object[];
  };
}

/** Reads a trace by Perfetto's schema. */
export function decodeTrace(bytes: Uint8Array): readonly Packet[] {
  const schema = protobuf.loadSync(join(import.meta.dirname, 'perfetto.proto'));
  const trace = schema.lookupType('perfetto.protos.Trace');
  const plain = trace.toObject(trace.decode(bytes), { enums: String, longs: String });
  return (plain as { packet: readonly Packet[] }).packet;
}
