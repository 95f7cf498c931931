import { PAGE_COUNT, PAGE_SIZE } from '../memory/layout';
import type { Hart } from '../multiprocess/hart';
import type { SegmentInfo } from './protocol';

/** What a stretch of pages is called, and the page behind it. */
interface Stretch {
  readonly label: string;
  readonly end: number;
}

/** What parts of memory are called. */
export class PageLabels {
  /** Stacks of vCPUs: first page and the page after the last. */
  private readonly stacks: readonly (readonly [number, number])[];
  /** Equal for labels that say the same. */
  readonly signature: string;

  /** @param map of the main VM, ascending */
  constructor(
    private readonly map: readonly SegmentInfo[],
    harts: readonly Hart[],
  ) {
    this.stacks = harts
      .filter(({ vcpu }) => vcpu)
      .map(({ stack }) => [stack.bottom / PAGE_SIZE, stack.top / PAGE_SIZE]);
    const segments = map.map(({ start, end, label }) => `${start} ${end} ${label}`);
    this.signature = `${segments.join()};${this.stacks.join()}`;
  }

  at(page: number): Stretch {
    const { map } = this;
    let [low, high] = [0, map.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (map[middle].end / PAGE_SIZE <= page) low = middle + 1;
      else high = middle;
    }
    const segment = map[low] as SegmentInfo | undefined;
    if (segment && segment.start / PAGE_SIZE <= page) {
      return { label: segment.label, end: segment.end / PAGE_SIZE };
    }
    const end = segment ? segment.start / PAGE_SIZE : PAGE_COUNT;
    const stack = this.stacks.find(([first, last]) => page >= first && page < last);
    if (stack) return { label: 'vCPU stack', end: Math.min(end, stack[1]) };
    return { label: 'mapping', end };
  }
}
