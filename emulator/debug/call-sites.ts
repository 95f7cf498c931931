import type { AddressSpace } from '../memory/address-space';
import { fetchInstruction, isCall } from './fetch';
import type { SegmentInfo } from './protocol';
import type { DebugTarget } from './target';

/** More code than this is not looked through, in bytes. */
const MOST_CODE = 4 << 20;

/**
 * Addresses of the direct calls (`jal`) of a function, ascending. Calls by `auipc` and `jalr`, and those
 * through pointers, are not seen.
 */
function callSites(
  space: AddressSpace,
  segments: readonly SegmentInfo[],
  callee: number,
): number[] {
  const sites: number[] = [];
  for (const { start, end, permissions } of segments) {
    if (!permissions.endsWith('x')) continue;
    for (let at = start; at < Math.min(end, start + MOST_CODE);) {
      const decoded = fetchInstruction(space, at);
      const isDirect = decoded?.instruction.control === 'jump' && isCall(decoded);
      if (isDirect && at + decoded.imm === callee) sites.push(at);
      at += decoded?.length ?? 2;
    }
  }
  return sites;
}

/** Addresses that `stopAt` means: a symbol's, or those of the calls of one. */
export function startPlaces(target: DebugTarget, stopAt: string): readonly number[] {
  const [, callee] = /^call (.+)$/.exec(stopAt) ?? [];
  const symbol = target.symbols.byName(callee ?? stopAt);
  if (!symbol) return [];
  if (callee === undefined) return [symbol.address];
  return callSites(target.liveHarts[0].space, target.memoryMap(), symbol.address);
}
