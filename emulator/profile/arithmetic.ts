/** Profiles of one hart added up, and what lies between two of them. */
import { addCounts, type CallNode, type HartProfile } from './model';
import type { InstructionCounts } from '../engine/flow-counts';
import { EVENT_KINDS } from '../memory/events';

interface Growing extends CallNode {
  calls: number;
  self: number;
  readonly children: Growing[];
}

/** What a hart has run since an earlier reading of it; only what has changed. */
export function subtractProfile(now: HartProfile, before: HartProfile | undefined): HartProfile {
  if (!before) return now;
  return {
    ...now,
    counts: subtractCounts(now.counts, before.counts),
    events: addEvents([now], before.events),
    root: subtractCalls(now.root, before.root),
    arcs: [],
  };
}

/** Parts of one hart's run as one; at least one of them. */
export function addProfiles(parts: readonly HartProfile[]): HartProfile {
  const last = parts[parts.length - 1];
  if (parts.length === 1) return last;
  return {
    ...last,
    counts: addCounts(parts.map(({ counts }) => counts)),
    events: addEvents(parts),
    root: addCalls(parts.map(({ root }) => root)),
    arcs: [],
  };
}

function addEvents(
  parts: readonly Pick<HartProfile, 'events'>[],
  less: HartProfile['events'] = {},
): HartProfile['events'] {
  const sums = EVENT_KINDS.map((kind) => {
    const sum = parts.reduce((all, { events }) => all + (events?.[kind] ?? 0), 0);
    return [kind, sum - (less[kind] ?? 0)] as const;
  });
  return Object.fromEntries(sums.filter(([, sum]) => sum !== 0));
}

/** Both stand in the order of addresses, and all of the earlier ones are among the later ones. */
function subtractCounts(now: InstructionCounts, before: InstructionCounts): InstructionCounts {
  const rows: { address: number; executions: number; taken: number }[] = [];
  let at = 0;
  now.addresses.forEach((address, i) => {
    const isKnown = before.addresses[at] === address;
    const executions = now.executions[i] - (isKnown ? before.executions[at] : 0);
    const taken = now.taken[i] - (isKnown ? before.taken[at] : 0);
    if (isKnown) at++;
    if (executions !== 0 || taken !== 0) rows.push({ address, executions, taken });
  });
  return {
    addresses: Float64Array.from(rows, ({ address }) => address),
    executions: Float64Array.from(rows, ({ executions }) => executions),
    taken: Float64Array.from(rows, ({ taken }) => taken),
  };
}

/** Functions that are called by the same callers are one node. Deep trees do not deepen the host's stack. */
function subtractCalls(now: CallNode, before: CallNode): CallNode {
  const difference = (node: CallNode, earlier: CallNode | undefined): Growing => ({
    entry: node.entry,
    callSite: node.callSite,
    calls: node.calls - (earlier?.calls ?? 0),
    self: node.self - (earlier?.self ?? 0),
    children: [],
  });
  const root = difference(now, before);
  interface Pair {
    readonly node: CallNode;
    readonly earlier: CallNode | undefined;
    readonly made: Growing;
    readonly caller: Growing | undefined;
  }
  const pairs: Pair[] = [{ node: now, earlier: before, made: root, caller: undefined }];
  for (const { node, earlier, made } of pairs) {
    const known = new Map(earlier?.children.map((child) => [child.entry, child]));
    for (const child of node.children) {
      const was = known.get(child.entry);
      pairs.push({ node: child, earlier: was, made: difference(child, was), caller: made });
    }
  }
  // Callees come after their callers: from the end on, what has changed below a node is known.
  for (const { made, caller } of pairs.reverse()) {
    if (made.self !== 0 || made.calls !== 0 || made.children.length > 0)
      caller?.children.push(made);
  }
  return root;
}

function addCalls(roots: readonly CallNode[]): CallNode {
  const { entry, callSite } = roots[roots.length - 1];
  const sum: Growing = { entry, callSite, calls: 0, self: 0, children: [] };
  const left: { from: CallNode; into: Growing }[] = roots.map((from) => ({ from, into: sum }));
  for (let next = left.pop(); next; next = left.pop()) {
    const { from, into } = next;
    into.calls += from.calls;
    into.self += from.self;
    for (const child of from.children) {
      let known = into.children.find((each) => each.entry === child.entry);
      if (!known) {
        known = { entry: child.entry, callSite: child.callSite, calls: 0, self: 0, children: [] };
        into.children.push(known);
      }
      left.push({ from: child, into: known });
    }
  }
  return sum;
}
