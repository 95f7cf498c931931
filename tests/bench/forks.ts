import { AddressSpace, READ, WRITE } from '../../emulator/memory/address-space';
import { Arena } from '../../emulator/memory/arena';
import { PAGE_SIZE } from '../../emulator/memory/layout';
import { spread, type Spread } from './spread';

const START = 0x10_0000;
const PAGES = [24, 10_024] as const;
const SAMPLES = 40;
const CALLS = 500;

/** Microseconds per call of `work`, which leaves everything as it was. */
function time(work: () => void): Spread {
  const times: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const start = performance.now();
    for (let call = 0; call < CALLS; call++) work();
    times.push((1000 * (performance.now() - start)) / CALLS);
  }
  return spread(times);
}

/** Microseconds that `write` takes in each of many forks that live together. */
function timeWrites(fork: () => AddressSpace, write: (space: AddressSpace) => void): Spread {
  const times: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const forks = Array.from({ length: CALLS }, fork);
    const start = performance.now();
    for (const each of forks) write(each);
    times.push((1000 * (performance.now() - start)) / CALLS);
    for (const each of forks) each.destroy();
  }
  return spread(times);
}

/**
 * Forks of a space with so many pages that were written, their ends, and the first write of such a fork: alone, and in
 * a fork that then ends and gives back the nodes and the frame that the write has taken.
 */
export function measureForks(): { readonly name: string; readonly time: Spread }[] {
  return PAGES.flatMap((pages) => {
    const space = AddressSpace.create(Arena.create({ limitBytes: 64 << 20 }));
    space.map(START, pages * PAGE_SIZE, READ | WRITE);
    for (let page = 0; page < pages; page++) space.writeU64(START + page * PAGE_SIZE, 1n);
    const last = START + (pages - 1) * PAGE_SIZE;
    const plain = time(() => space.fork().destroy());
    const loan = time(() => space.forkLoan().destroy());
    const write = (fork: AddressSpace): unknown => fork.resolve(last, 'write', 8);
    const first = timeWrites(() => space.fork(), write);
    const lent = timeWrites(() => space.forkLoan(), write);
    const written = time(() => {
      const fork = space.fork();
      write(fork);
      fork.destroy();
    });
    const of = `${pages.toLocaleString('en')} pages`;
    return [
      { name: `fork and end, ${of}`, time: plain },
      { name: `fork that borrows and end, ${of}`, time: loan },
      { name: `first write of a fork's shared page, ${of}`, time: first },
      { name: `first write of a borrower to a page, ${of}`, time: lent },
      { name: `fork, first write and end, ${of}`, time: written },
    ];
  });
}
