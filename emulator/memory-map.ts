import type { SegmentInfo } from './debug/protocol';
import type { LoadedProgram } from './elf/load';
import { VDSO } from './linux/process-start';
import { TRAMPOLINE } from './linux/signal-trampoline';
import { EXECUTE, READ, WRITE, type AddressSpace } from './memory/address-space';
import { PAGE_SIZE } from './memory/layout';
import { pageRuns } from './memory/page-runs';
import type { PageRun } from './memory/run-list';

/** The parts of a process that the kernel knows, [start, end). */
export interface KnownAreas {
  readonly program: LoadedProgram;
  readonly stack: { readonly bottom: number; readonly top: number };
  readonly heap: { readonly start: number; readonly end: number };
}

function permissions({ protection, state }: PageRun): string {
  if (state === 'guard') return '---';
  const letter = (bit: number, name: string): string => ((protection & bit) === 0 ? '-' : name);
  return letter(READ, 'r') + letter(WRITE, 'w') + letter(EXECUTE, 'x');
}

function label(address: number, run: PageRun, areas: KnownAreas): string {
  if (run.state === 'guard') return 'guard';
  if (run.state === 'host') return 'host';
  if (address === TRAMPOLINE) return 'signal return';
  if (address === VDSO) return 'vDSO';
  const { program, stack, heap } = areas;
  if (address >= stack.bottom && address < stack.top) return 'stack';
  if (address >= heap.start && address < heap.end) return 'heap';
  if (program.segments.some((s) => address >= s.start && address < s.end)) {
    if ((run.protection & EXECUTE) !== 0) return 'text';
    return (run.protection & WRITE) === 0 ? 'read-only data' : 'data';
  }
  return 'mapping';
}

/** What is mapped in a process, in ascending order: neighbours of one label and permission are one. */
export function memoryMap(space: AddressSpace, areas: KnownAreas): SegmentInfo[] {
  const map: SegmentInfo[] = [];
  for (const run of pageRuns(space)) {
    const start = run.page * PAGE_SIZE;
    const end = start + run.count * PAGE_SIZE;
    const part = { start, end, permissions: permissions(run), label: label(start, run, areas) };
    const last = map.at(-1);
    const joins =
      last?.end === start && last.label === part.label && last.permissions === part.permissions;
    if (joins) map[map.length - 1] = { ...last, end };
    else map.push(part);
  }
  return map;
}
