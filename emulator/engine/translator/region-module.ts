import { call, i64, ModuleBuilder, type FunctionBuilder } from '../../wasm';
import { REGION_PARAMS } from '../enter-regions';
import { FLOAT_ARITY, type FloatOperation } from '../float';
import { COUNTERS_SECTION } from '../counting-layout';
import { CounterSites } from './region-counters';
import { writeRegion } from './region-function';
import type { RegionCounting, RegionOptions } from './region-options';
import { switchOf, type Region } from './region';

/** The name that a module exports the region at `entry` by. */
export const regionName = (entry: number): string => entry.toString(16);

/**
 * A module with a function for each of the regions, which call each other directly. It imports `resume` and
 * floating-point functions from the interpreter's module.
 */
export function buildRegionModule(
  regions: readonly Region[],
  options: RegionOptions,
): Uint8Array<ArrayBuffer> {
  // Imports come first in a module, and only the code shows which are needed: then it is written again.
  const helpers = new Set<string>();
  for (;;) {
    const before = helpers.size;
    const module = writeModule(regions, options, helpers);
    if (helpers.size === before) return module.build();
  }
}

function writeModule(
  regions: readonly Region[],
  options: RegionOptions,
  helpers: Set<string>,
): ModuleBuilder {
  const module = new ModuleBuilder();
  const resume = module.importFunction('resume', ['i32', 'i64', 'i32', 'i32'], ['i64']);
  const imported = new Map(
    [...helpers].map((name) => {
      const arity = FLOAT_ARITY[name.split('.')[0] as FloatOperation];
      const params = ['i32', 'i32', 'i64', 'i64', 'i64'] as const;
      return [name, module.importFunction(name, params.slice(0, 2 + arity), ['i64'])];
    }),
  );
  const sites = new CounterSites();
  const counting = options.counts === true ? importCounting(module, sites) : undefined;
  const functions = new Map(
    regions.flatMap(({ entries }) =>
      entries.map((entry) => [entry, module.function(REGION_PARAMS, ['i64'])] as const),
    ),
  );
  for (const [entry, { index }] of functions) module.export(regionName(entry), index);
  for (const region of regions) {
    const builder = switchOf(region)
      ? addSwitch(
          module,
          region.entries.map((pc) => ({ pc, f: functions.get(pc)!.builder })),
        )
      : functions.get(region.entries[0])!.builder;
    const calls = {
      resume,
      regionAt: (target: number) => functions.get(target)?.index,
      helper: (name: string) => {
        helpers.add(name);
        return imported.get(name) ?? 0;
      },
    };
    writeRegion(builder, region, calls, options, counting);
  }
  if (counting) module.custom(COUNTERS_SECTION, new Uint8Array(sites.words.buffer));
  return module;
}

/** The function of a region that begins with a switch has the address where it is entered too: each entry gives it its own. */
function addSwitch(
  module: ModuleBuilder,
  entries: readonly { readonly pc: number; readonly f: FunctionBuilder }[],
): FunctionBuilder {
  const { index, builder } = module.function([...REGION_PARAMS, 'i64'], ['i64']);
  for (const { pc, f } of entries) {
    const [context, fuel, depth] = REGION_PARAMS.map((_, i) => f.param(i, 'i32'));
    f.return(call(index, 'i64', context, fuel, depth, i64.const(pc)));
  }
  return builder;
}

function importCounting(module: ModuleBuilder, sites: CounterSites): RegionCounting {
  const five = ['i32', 'i32', 'i32', 'i32', 'i32'] as const;
  return {
    sites,
    base: module.importConstant('counters'),
    find: module.importFunction('findCall', five.slice(0, 3), ['i32']),
    enter: module.importFunction('enterCall', five, []),
  };
}
