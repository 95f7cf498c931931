import { functionName, walk, type HartProfile, type Profile, type ProfileCode } from '../model';

/** The parts of speedscope's file format that are written here (its `file-format-spec.ts`). */
interface SpeedscopeFile {
  readonly $schema: 'https://www.speedscope.app/file-format-schema.json';
  readonly exporter: string;
  readonly name: string;
  readonly activeProfileIndex: number;
  readonly shared: { readonly frames: readonly SpeedscopeFrame[] };
  readonly profiles: readonly SampledProfile[];
}

interface SpeedscopeFrame {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
}

/** One sample for each node of the call tree, weighted by its own instructions. */
interface SampledProfile {
  readonly type: 'sampled';
  readonly name: string;
  /** Instructions are no unit that the format knows. */
  readonly unit: 'none' | 'nanoseconds';
  readonly startValue: 0;
  readonly endValue: number;
  readonly samples: readonly (readonly number[])[];
  readonly weights: readonly number[];
}

/** speedscope's JSON: all harts merged first, then a profile for each hart. */
export function speedscopeJson(profile: Profile, code: ProfileCode): string {
  const frames: SpeedscopeFrame[] = [];
  const numbers = new Map<string, number>();
  const frameOf = (entry: number): number => {
    const name = functionName(code, entry);
    const known = numbers.get(name);
    if (known !== undefined) return known;
    const place = code.lineAt(entry);
    numbers.set(name, frames.length);
    return frames.push({ name, ...place }) - 1;
  };

  const sampled = (name: string, harts: readonly HartProfile[]): SampledProfile => {
    const samples: number[][] = [];
    const weights: number[] = [];
    for (const hart of harts) {
      for (const { node, path } of walk(hart.root)) {
        if (node.self === 0) continue;
        samples.push(path.map(({ entry }) => frameOf(entry)));
        weights.push(node.self);
      }
    }
    const endValue = weights.reduce((sum, each) => sum + each, 0);
    const unit = profile.sampled === 'nanoseconds' ? 'nanoseconds' : 'none';
    return { type: 'sampled', name, unit, startValue: 0, endValue, samples, weights };
  };

  const file: SpeedscopeFile = {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: 'Hartscope',
    name: [profile.program, ...profile.arguments].join(' '),
    activeProfileIndex: 0,
    profiles: [
      sampled('all harts', profile.harts),
      ...profile.harts.map((hart) => sampled(`hart ${hart.hart}: ${hart.name}`, [hart])),
    ],
    shared: { frames },
  };
  return JSON.stringify(file);
}
