/**
 * The border of a machine: every request is checked here before the session sees it, whoever sent it.
 * Sizes are bounded, so that no single request can take the process's memory or time.
 */
import * as v from 'valibot';
import { PAGE_COUNT } from '../memory/layout';
import { MAX_EVENTS } from './event-history';
import { MAX_QUANTUM } from '../schedule/options';
import type { MachineRequests } from './protocol';
import { MAX_LAUNCHES } from './protocol-launches';

/** Largest block that one `readMemory` or `writeMemory` carries, in bytes. */
const MAX_MEMORY_BLOCK = 1 << 20;
/** Most lines that one `disassemble` asks for, on either side of its address. */
const MAX_DISASSEMBLED_LINES = 1000;
const MAX_ADDRESSES = 65_536;
const MAX_ELF_BYTES = 512 * 2 ** 20;
const MAX_STRINGS = 32_768;
const MAX_STRING = 131_072;
/** Most harts that a breakpoint names. */
const MAX_HARTS = 4096;
const MAX_TERMINAL_INPUT = 1 << 20;
const MAX_PATH = 4096;
/** Activations that one `stack` unwinds at most. */
const MAX_FRAMES = 10_000;
/** Parts that a variable can have, and how many one `variableParts` gives. */
const MAX_PARTS = 2 ** 31;
const MAX_PARTS_AT_ONCE = 1000;

const whole = (low: number, high: number): v.GenericSchema<number> =>
  v.pipe(
    v.number('is not a number'),
    v.safeInteger('is not a whole number below 2^53'),
    v.minValue(low, `is below ${low}`),
    v.maxValue(high, `is above ${high}`),
  );
const text = (longest: number): v.GenericSchema<string> =>
  v.pipe(v.string('is not a text'), v.maxLength(longest, `is longer than ${longest} characters`));
const bytes = (most: number): v.GenericSchema<Uint8Array> =>
  v.pipe(
    v.custom<Uint8Array>((value) => value instanceof Uint8Array, 'is not bytes'),
    v.check(({ length }) => length <= most, `is larger than ${most} bytes`),
  );
const texts = v.pipe(
  v.array(text(MAX_STRING)),
  v.maxLength(MAX_STRINGS, `has more than ${MAX_STRINGS} strings`),
);

const address = whole(0, Number.MAX_SAFE_INTEGER);
const addresses = v.pipe(
  v.array(address),
  v.maxLength(MAX_ADDRESSES, `has more than ${MAX_ADDRESSES} addresses`),
);
const hart = whole(0, 65_535);
const identifier = whole(0, 2 ** 31);
const line = whole(1, 2 ** 31);
const frame = whole(0, MAX_FRAMES);
const columns = whole(1, 1000);
const rows = whole(1, 1000);

const schedule = v.union([
  v.literal('parallel'),
  v.strictObject({
    kind: v.literal('interleaved'),
    quantum: v.exactOptional(whole(1, MAX_QUANTUM)),
    seed: v.exactOptional(whole(0, Number.MAX_SAFE_INTEGER)),
  }),
]);

const flag = v.boolean('is not true or false');

const openRequest = v.strictObject({
  name: text(1024),
  elf: bytes(MAX_ELF_BYTES),
  args: texts,
  environment: texts,
  memoryLimit: v.exactOptional(whole(1 << 16, 2 ** 32)),
  schedule: v.exactOptional(schedule),
  raceCheck: v.exactOptional(flag),
  profile: v.exactOptional(flag),
  stopAt: v.exactOptional(text(1024)),
  columns,
  rows,
});

/** Milliseconds since 1970, in fractions. */
const hostTime = v.pipe(v.number('is not a number'), v.finite('is not finite'));

const timeRange = v.strictObject({ from: hostTime, to: hostTime });

const hartNames = v.pipe(
  v.array(text(128)),
  v.maxLength(MAX_HARTS, `has more than ${MAX_HARTS} names`),
);

const countedPart = v.strictObject({
  range: v.exactOptional(timeRange),
  names: v.exactOptional(hartNames),
});

const profileView = v.strictObject({
  by: v.picklist(['instructions', 'time'], 'is no kind of profile'),
  range: v.exactOptional(timeRange),
});

const eventFilter = v.strictObject({
  kinds: v.exactOptional(v.pipe(v.array(text(32)), v.maxLength(64, 'has more than 64 kinds'))),
  hart: v.exactOptional(hart),
  page: v.exactOptional(whole(0, PAGE_COUNT - 1)),
  first: v.exactOptional(whole(0, 2 ** 32 - 1)),
  last: v.exactOptional(whole(0, 2 ** 32 - 1)),
});

/** What a breakpoint is asked for with; a session file holds the same. */
export const breakpointSpec = v.strictObject({
  kind: v.exactOptional(v.picklist(['code', 'data', 'syscall', 'event'], 'is no kind')),
  at: text(1024),
  condition: v.exactOptional(text(4096)),
  hitCount: v.exactOptional(whole(1, Number.MAX_SAFE_INTEGER)),
  hitRule: v.exactOptional(v.picklist(['from', 'exactly', 'multiple'], 'is no rule')),
  log: v.exactOptional(text(4096)),
  harts: v.exactOptional(
    v.pipe(v.array(hart), v.maxLength(MAX_HARTS, `has more than ${MAX_HARTS} harts`), v.readonly()),
  ),
  enabled: flag,
  temporary: v.exactOptional(flag),
  barrier: v.exactOptional(flag),
  access: v.exactOptional(v.picklist(['read', 'write', 'access', 'change'], 'is no access')),
  length: v.exactOptional(whole(1, 2 ** 32)),
});

const width = v.optional(v.picklist(['hart', 'group', 'all'], 'is no width'));
const launchUnit = v.picklist(['time', 'instructions'], 'is no unit');
const length = v.pipe(v.number(), v.finite('is no length'), v.minValue(0, 'is below 0'));
const oneHartLaunch = v.strictObject({
  instructions: whole(0, Number.MAX_SAFE_INTEGER),
  durations: v.strictObject({ time: length, instructions: length }),
});
const hartMarks = v.strictObject({
  name: v.exactOptional(text(64)),
  pinned: v.exactOptional(flag),
  frozen: v.exactOptional(flag),
});

const REQUESTS = {
  open: v.strictTuple([openRequest]),
  state: v.strictTuple([]),
  run: v.strictTuple([width, v.optional(hart)]),
  pause: v.strictTuple([]),
  stepInstruction: v.strictTuple([hart, width]),
  stepOver: v.strictTuple([hart, width]),
  stepLine: v.strictTuple([hart, v.picklist(['into', 'over'], 'is neither'), width]),
  stepOut: v.strictTuple([hart, width]),
  runToReturn: v.strictTuple([hart, width]),
  runTogether: v.strictTuple([hart]),
  runToFork: v.strictTuple([]),
  runTo: v.strictTuple([address, v.optional(hart), width]),
  follow: v.strictTuple([whole(0, 1024)]),
  markHart: v.strictTuple([hart, hartMarks]),
  killHart: v.strictTuple([hart]),
  restart: v.strictTuple([]),
  registers: v.strictTuple([hart]),
  registersOfAll: v.strictTuple([]),
  writeRegister: v.strictTuple([hart, text(16), text(128)]),
  readMemory: v.strictTuple([
    address,
    whole(0, MAX_MEMORY_BLOCK),
    v.optional(hart),
    v.optional(v.picklist(['now', 'fork'], 'is no time')),
  ]),
  writeMemory: v.strictTuple([address, bytes(MAX_MEMORY_BLOCK), v.optional(hart)]),
  disassemble: v.strictTuple([
    address,
    whole(0, MAX_DISASSEMBLED_LINES),
    whole(0, MAX_DISASSEMBLED_LINES),
    v.optional(v.boolean()),
    v.optional(hart),
  ]),
  explain: v.strictTuple([address, v.optional(hart)]),
  breakpoints: v.strictTuple([]),
  addBreakpoint: v.strictTuple([breakpointSpec]),
  updateBreakpoint: v.strictTuple([identifier, breakpointSpec]),
  removeBreakpoint: v.strictTuple([identifier]),
  symbols: v.strictTuple([text(1024), whole(1, 1000), v.optional(hart)]),
  assign: v.strictTuple([text(1024), text(1024), hart]),
  evaluateAddress: v.strictTuple([text(1024), hart]),
  evaluateOnAll: v.strictTuple([text(1024)]),
  locate: v.strictTuple([addresses, v.optional(hart)]),
  conflicts: v.strictTuple([]),
  checkRaces: v.strictTuple([flag]),
  profile: v.strictTuple([v.optional(hartNames), v.optional(profileView)]),
  counts: v.strictTuple([address, address, hart, v.optional(countedPart)]),
  lineCounts: v.strictTuple([text(MAX_PATH), hart, v.optional(countedPart)]),
  countInstructions: v.strictTuple([flag]),
  sampleTime: v.strictTuple([flag]),
  memoryMap: v.strictTuple([v.optional(hart)]),
  pages: v.strictTuple([]),
  pagesSince: v.strictTuple([whole(0, Number.MAX_SAFE_INTEGER)]),
  page: v.strictTuple([whole(0, PAGE_COUNT - 1), hart]),
  trackWrites: v.strictTuple([flag]),
  events: v.strictTuple([whole(1, MAX_EVENTS), v.optional(eventFilter)]),
  launches: v.strictTuple([launchUnit]),
  launch: v.strictTuple([whole(1, 2 ** 32 - 1), launchUnit]),
  compareLaunches: v.strictTuple([
    v.pipe(v.array(oneHartLaunch), v.maxLength(MAX_LAUNCHES, 'has too many'), v.readonly()),
    whole(0, Number.MAX_SAFE_INTEGER),
  ]),
  timeline: v.strictTuple([whole(0, Number.MAX_SAFE_INTEGER)]),
  terminalInput: v.strictTuple([bytes(MAX_TERMINAL_INPUT)]),
  terminalResize: v.strictTuple([columns, rows]),
  sources: v.strictTuple([v.optional(hart)]),
  sourceLines: v.strictTuple([text(MAX_PATH), v.optional(hart)]),
  lineAt: v.strictTuple([address, v.optional(hart)]),
  breakpointLocations: v.strictTuple([text(MAX_PATH), line, v.optional(hart)]),
  stack: v.strictTuple([hart, whole(1, MAX_FRAMES)]),
  variables: v.strictTuple([hart, frame]),
  variableParts: v.strictTuple([
    hart,
    frame,
    v.union([whole(0, MAX_PARTS), text(1024)], 'is neither a number nor a text'),
    v.pipe(v.array(whole(0, MAX_PARTS)), v.maxLength(64, 'is longer than 64 steps')),
    whole(0, MAX_PARTS),
    whole(1, MAX_PARTS_AT_ONCE),
  ]),
  evaluateInFrame: v.strictTuple([text(1024), hart, frame]),
} satisfies { [K in keyof MachineRequests]: v.GenericSchema<Parameters<MachineRequests[K]>> };

type RequestName = keyof MachineRequests;

/** Names of all requests that a machine answers. */
export const REQUEST_NAMES = Object.keys(REQUESTS) as readonly RequestName[];

/**
 * The checked form of a session: same requests, but each rejects with an `Error` that names the request
 * and the argument when an argument is not what the protocol says. Has no other members, so that a
 * request named `constructor` finds nothing.
 */
export function validated(session: MachineRequests): MachineRequests {
  const checked = Object.create(null) as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const name of REQUEST_NAMES) {
    const request = session[name].bind(session) as (...args: unknown[]) => Promise<unknown>;
    checked[name] = async (...args) => {
      const result = v.safeParse(REQUESTS[name], args);
      if (!result.success) throw new Error(`${name}: ${describe(result.issues[0])}`);
      return request(...result.output);
    };
  }
  return checked as unknown as MachineRequests;
}

function describe(issue: v.BaseIssue<unknown>): string {
  const where = v.getDotPath(issue) ?? '';
  return where === '' ? 'has the wrong number of arguments' : `argument ${where} ${issue.message}`;
}
