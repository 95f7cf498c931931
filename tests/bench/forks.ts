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

function less(whole: Spread, part: Spread): Spread {
  return {
    minimumUs: whole.minimumUs - part.minimumUs,
    medianUs: whole.medianUs - part.medianUs,
  };
}

/** Forks of a space with so many pages that were written, their ends, and the first write of such a fork. */
export function measureForks(): { readonly name: string; readonly time: Spread }[] {
  return PAGES.flatMap((pages) => {
    const space = AddressSpace.create(Arena.create({ limitBytes: 64 << 20 }));
    space.map(START, pages * PAGE_SIZE, READ | WRITE);
    for (let page = 0; page < pages; page++) space.writeU64(START + page * PAGE_SIZE, 1n);
    const last = START + (pages - 1) * PAGE_SIZE;
    const plain = time(() => space.fork().destroy());
    const loan = time(() => space.forkLoan().destroy());
    const written = time(() => {
      const fork = space.fork();
      fork.resolve(last, 'write', 8);
      fork.destroy();
    });
    const of = `${pages.toLocaleString('en')} pages`;
    return [
      { name: `fork and end, ${of}`, time: plain },
      { name: `fork that borrows and end, ${of}`, time: loan },
      { name: `first write of a fork's shared page, ${of}`, time: less(written, plain) },
    ];
  });
}
