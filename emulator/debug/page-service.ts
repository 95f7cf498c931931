import { EXECUTE, READ, WRITE } from '../memory/address-space';
import { pageDetail } from '../memory/states';
import type { Hart } from '../multiprocess/hart';
import { ForkViews } from './fork-views';
import { locate } from './location';
import { readMemoryBlock } from './memory-block';
import type { FrameWrite } from './page-writes';
import { PageMatrix } from './pages';
import type {
  MemoryBlock,
  MemoryTime,
  PageInfo,
  PagesInfo,
  PageWrite,
  WriteTrackingInfo,
} from './protocol';
import { sourceOf } from './source-debugger';
import type { DebugTarget } from './target';
import { WriteTracking } from './write-tracking';

/** Answers what clients ask about pages: their states, their past, who wrote them. */
export class PageService {
  readonly tracking = new WriteTracking();
  private readonly views = new ForkViews();
  private matrix = new PageMatrix();

  /**
   * @param opened the program that is open
   * @param hart finds a hart by its number; both throw when there is none
   */
  constructor(
    private readonly opened: () => DebugTarget,
    private readonly hart: (id: number) => Hart,
  ) {}

  /** For a program that has just been loaded, whose hooks others have set. */
  attach(target: DebugTarget): void {
    this.views.attach(target);
    this.matrix = new PageMatrix(this.matrix.version);
    this.tracking.attach(target);
  }

  /** A run has ended. */
  stopped(): void {
    this.views.sweep();
  }

  pages(): PagesInfo {
    return { ...this.matrix.info(this.opened()), tracking: this.tracking.info };
  }

  /** Null: there is nothing that the answer with that version did not say. What tracking costs changes all the time. */
  pagesSince(version: number): PagesInfo | null {
    const info = this.pages();
    return info.version === version && !info.tracking.isOn ? null : info;
  }

  trackWrites(isOn: boolean): WriteTrackingInfo {
    this.tracking.set(this.opened(), isOn);
    return this.tracking.info;
  }

  /** Memory as a hart sees it, or saw it when it began. */
  memory(address: number, length: number, id: number, time: MemoryTime): MemoryBlock {
    const hart = this.hart(id);
    const space = time === 'now' ? hart.space : this.views.of(hart);
    if (!space) {
      throw new Error(
        `What hart ${id} saw when it began is not known: it is no fork, or memory has run out since.`,
      );
    }
    return readMemoryBlock(space, address, length);
  }

  /** One page as a hart sees it. */
  page(page: number, id: number): PageInfo {
    const target = this.opened();
    const hart = this.hart(id);
    const { owner, protection, ...detail } = pageDetail(hart.space, page);
    const lender = target.liveHarts.find(({ space }) => space.id === owner);
    const letter = (bit: number, name: string): string => ((protection & bit) === 0 ? '-' : name);
    return {
      ...detail,
      page,
      hart: hart.index,
      permissions: letter(READ, 'r') + letter(WRITE, 'w') + letter(EXECUTE, 'x'),
      ...(lender && lender.space !== hart.space && { lender: lender.index }),
      hasForkView: this.views.of(hart) !== undefined,
      ...this.writes(target, hart, page),
    };
  }

  private writes(
    target: DebugTarget,
    { space }: Hart,
    page: number,
  ): Pick<PageInfo, 'firstWrite' | 'lastWrite'> {
    const [first, last] = [this.tracking.firstOf(space, page), this.tracking.lastOf(space, page)];
    return {
      ...(first && { firstWrite: describe(target, first) }),
      ...(last && { lastWrite: describe(target, last) }),
    };
  }
}

function describe(target: DebugTarget, { pc, ...write }: FrameWrite): PageWrite {
  const line = sourceOf(target).lookup.lineAt(pc);
  return {
    ...write,
    location: locate(target.symbols, pc),
    ...(line && { place: { path: line.path, line: line.line, column: line.column } }),
  };
}
