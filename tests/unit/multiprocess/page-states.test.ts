import { expect, test } from 'vitest';
import { READ, WRITE, type Machine } from '../../../emulator';
import { PageService } from '../../../emulator/debug/page-service';
import { pageRuns, type AddressSpace } from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';
import type { PageState } from '../../../emulator/memory/states';
import { keptMachines } from '../../support/kept-machines';
import { Random } from '../../support/random';
import { call, DATA, exit, machineOf, programOf } from './stress';

const CODE = 0x10000;
const PAGE = 4096;
/** Pages of data that everybody stores to and loads from; the first one has the options. */
const PAGES = [2, 3, 4, 5, 6, 7].map((page) => DATA + page * PAGE);
const STACKS = DATA + 0x20000;
/** A page for each vCPU to map and unmap. */
const WINDOW = 0x400000;
const MAP_PRIVATE_FIXED_ANONYMOUS = 0x32;
const ROUNDS = 10;
const OF_A_LOAN: readonly PageState[] = ['lent', 'borrowed', 'stale'];

const machines = keptMachines();

const hasSlots = (mode: number): boolean => mode === 1 || mode === 3;

/** A system call for the vCPU's own page, which comes as the first argument. */
const ownPage = (number: number, ...rest: readonly number[]): string => `
    slli t0, s1, 12
    li a0, ${WINDOW}
    add a0, a0, t0
    ${rest.map((value, i) => `li a${i + 1}, ${value}`).join('\n')}
    li a7, ${number}
    ecall`;

/** What a vCPU does whose id is in s1. */
function work(random: Random, label: string): string {
  const page = (): number => random.pick(PAGES);
  const word = (): number => 8 * random.below(500);
  const actions = [
    () => `li t0, ${page()}\n sd s1, ${word() % 2048}(t0)`,
    () => `li t0, ${page()}\n ld t1, ${word() % 2048}(t0)`,
    () => `li t0, ${CODE + word()}\n ld t1, 0(t0)`,
    () => `li t0, ${page()}\n amoadd.d t1, s1, (t0)`,
    () => `li t0, ${page()}\n lr.d t1, (t0)\n sc.d t2, s1, (t0)`,
    () => 'fence',
    () => `sd s1, -${16 + (word() % 2000)}(sp)`,
    () => ownPage(222, PAGE, READ | WRITE, MAP_PRIVATE_FIXED_ANONYMOUS, -1, 0),
    () => ownPage(215, PAGE),
    () => call(226, page(), PAGE, READ | WRITE),
    () => call(172),
  ];
  const lines = Array.from({ length: 3 + random.below(8) }, () => random.pick(actions)());
  if (random.oneIn(3)) {
    lines.push(`
      ${call(110, 2, 0)}
      beqz a0, ${label}_over
      ${lines.slice(0, 3).join('\n')}
      ${call(111)}
    ${label}_over:`);
  }
  if (random.oneIn(4)) lines.push('sd zero, 0(zero)');
  return lines.join('\n');
}

/** Tasks of all modes, one or two at a time; `joined` is called when they have been joined. */
function program(random: Random): string {
  const task = (label: string): string => {
    const mode = 1 + random.below(5);
    const isCalled = mode <= 2;
    const stacks = hasSlots(mode) ? [STACKS, PAGE] : [0, 0];
    const fields = [mode, 1 + random.below(3), ...stacks];
    return `
        li s0, ${DATA}
        ${fields.map((value, i) => `li t0, ${value}\n sd t0, ${8 + 8 * i}(s0)`).join('\n')}
        la t0, ${label}
        sd t0, 40(s0)
        ${call(2000, DATA)}
        ${isCalled ? `j ${label}_started` : `bnez a0, ${label}_started\n mv s1, a1`}
      ${label}:
        ${isCalled ? 'mv s1, a0' : ''}
        ${work(random, label)}
        ${call(111)}
      ${label}_started:
        li t0, ${random.pick(PAGES)}
        sd s0, ${8 * random.below(16)}(t0)`;
  };
  const rounds = Array.from({ length: ROUNDS }, (_, n) => {
    const tasks = Array.from({ length: 1 + random.below(2) }, (__, m) => task(`task_${n}_${m}`));
    return `${tasks.join('\n')}\n${call(2001, -1, 0, 0)}\n call joined`;
  });
  return `
      ${rounds.join('\n')}
      ${exit(0)}
    joined:
      ret`;
}

/** How many pages of each state the window shows for each space. */
const shownBy = (pages: PageService): unknown =>
  pages.pages().spaces.map(({ space, totals }) => [space, totals]);

const newPages = (machine: Machine): PageService =>
  new PageService(
    () => machine,
    () => machine.current,
  );

/** Pages in one of the states of a loan, by space. */
function onLoan({ liveHarts }: Machine): string[] {
  return liveHarts.flatMap(({ index, space }) =>
    pageRuns(space)
      .filter(({ state }) => OF_A_LOAN.includes(state))
      .map(({ page, state }) => `hart ${index}: page 0x${page.toString(16)} is ${state}`),
  );
}

/** What a person with the window open might do between two turns. */
function debuggerOf(machine: Machine, random: Random, kept: number): readonly (() => void)[] {
  const pages = newPages(machine);
  pages.attach(machine);
  const anyone = (): AddressSpace => random.pick(machine.liveHarts).space;
  const anywhere = (): number => random.pick([...PAGES, CODE, CODE + PAGE]);
  return [
    () => machine.stops.add(CODE + 4 * random.below(2000)),
    () => {
      for (const at of [...machine.stops.list()]) if (at !== kept) machine.stops.delete(at);
    },
    () => void pages.trackWrites(random.oneIn(2)),
    () => anyone().watch(anywhere(), 8, 'write'),
    () => {
      for (const { space } of machine.liveHarts)
        for (const at of PAGES) space.unwatch(at, 8, 'write');
    },
    () => {
      // What is there already, as it may be code: the page is written all the same.
      const [space, at] = [anyone(), anywhere() + 2040];
      space.poke(at, space.peek(at, 1));
    },
    () => expect(shownBy(pages)).toEqual(shownBy(newPages(machine))),
    () => pages.stopped(),
  ];
}

test.each([1, 2, 3])(
  'when all vCPUs have ended no page is on loan, whatever they and a debugger did (seed %i)',
  (seed) => {
    const random = new Random(seed);
    const text = program(random);
    const joined = programOf(text).symbols.get('joined') ?? 0;
    const machine = machineOf(
      text,
      undefined,
      { mode: 'call', vcpus: 1 },
      {
        engine: random.pick(['interpreter', 'translator']),
        schedule: { kind: 'interleaved', quantum: 1 + random.below(40), seed },
      },
    );
    machines.push(machine);
    machine.stops.add(joined);
    const actions = debuggerOf(machine, random, joined);
    const [main] = machine.liveHarts;
    let joins = 0;
    let loans = 0;
    for (;;) {
      const stop = machine.run(1 + random.below(60), true);
      if (stop.kind === 'exited') break;
      expect(stop).not.toMatchObject({ kind: 'killed' });
      if (main.state.pc === joined) {
        joins += 1;
        expect(machine.liveHarts).toEqual([main]);
        expect(onLoan(machine)).toEqual([]);
        expect(checkTables(machine.arena)).toEqual([]);
      } else loans += onLoan(machine).length;
      random.pick(actions)();
    }
    expect(joins).toBeGreaterThanOrEqual(ROUNDS);
    expect(loans).toBeGreaterThan(0);
  },
);
