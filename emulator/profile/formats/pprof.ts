import * as pprof from 'pprof-format';
import { functionName, walk, type Profile, type ProfileCode } from '../model';

/**
 * pprof's profile, not yet compressed: a sample for each node of the call trees with its calls and its
 * own instructions, and the hart as a label. Locations are call sites, and for the innermost frame the
 * function's entry. Source: google/pprof, proto/profile.proto.
 */
function pprofMessage(profile: Profile, code: ProfileCode): Uint8Array {
  const strings = new pprof.StringTable();
  const text = (value: string): number => strings.dedup(value);
  const functions = new Map<string, pprof.Function>();
  const locations = new Map<string, pprof.Location>();

  const functionOf = (entry: number): pprof.Function => {
    const name = functionName(code, entry);
    const known = functions.get(name);
    if (known) return known;
    const place = code.lineAt(entry);
    const added = new pprof.Function({
      id: functions.size + 1,
      name: text(name),
      systemName: text(name),
      filename: text(place?.file ?? ''),
      startLine: place?.line ?? 0,
    });
    functions.set(name, added);
    return added;
  };

  const locationOf = (entry: number, address: number): number => {
    const key = `${entry}:${address}`;
    const known = locations.get(key);
    if (known) return Number(known.id);
    const line = { functionId: functionOf(entry).id, line: code.lineAt(address)?.line ?? 0 };
    const id = locations.size + 1;
    locations.set(key, new pprof.Location({ id, mappingId: 1, address, line: [line] }));
    return id;
  };

  const samples: pprof.Sample[] = [];
  for (const hart of profile.harts) {
    const label = { key: text('hart'), str: text(`${hart.hart} ${hart.name}`) };
    for (const { node, path } of walk(hart.root)) {
      if (node.self === 0 && node.calls === 0) continue;
      const inner = path.map(({ entry }, depth) =>
        locationOf(entry, path[depth + 1]?.callSite ?? entry),
      );
      samples.push(
        new pprof.Sample({
          locationId: inner.reverse(),
          value: profile.sampled ? [node.self] : [node.calls, node.self],
          label: [label],
        }),
      );
    }
  }

  const count = text('count');
  const [kind, unit] =
    profile.sampled === 'nanoseconds'
      ? [text('time'), text('nanoseconds')]
      : [text('instructions'), count];
  return new pprof.Profile({
    sampleType: [
      ...(profile.sampled ? [] : [{ type: text('calls'), unit: count }]),
      { type: kind, unit },
    ],
    sample: samples,
    mapping: [{ id: 1, filename: text(profile.program), hasFunctions: true }],
    location: [...locations.values()],
    function: [...functions.values()],
    defaultSampleType: kind,
    comment: [text([profile.program, ...profile.arguments].join(' '))],
    stringTable: strings,
  }).encode();
}

/** The profile as pprof reads it from a file: compressed by gzip. */
export async function pprofFile(profile: Profile, code: ProfileCode): Promise<Uint8Array> {
  const bytes = new Uint8Array(pprofMessage(profile, code));
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
