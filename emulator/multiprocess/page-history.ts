/** Pages that are remembered for one vCPU, and vCPUs that are remembered. */
const MOST_PAGES = 512;
const MOST_ENTRIES = 512;

/**
 * Which pages a vCPU has asked for, by where its task was started and by its number there: the next task from the
 * same place most likely needs the same, and gets them with its start.
 */
export class PageHistory {
  private readonly asked = new Map<string, Set<number>>();

  /** @param pc where the vCPUs of the task begin */
  note(pc: number, id: number, pages: Iterable<number>): void {
    const key = `${pc} ${id}`;
    const known = this.asked.get(key) ?? new Set<number>();
    // Back to the end: what is not used for long goes first.
    this.asked.delete(key);
    this.asked.set(key, known);
    for (const page of pages) if (known.size < MOST_PAGES) known.add(page);
    const [oldest] = this.asked.keys();
    if (this.asked.size > MOST_ENTRIES && oldest !== undefined) this.asked.delete(oldest);
  }

  pages(pc: number, id: number): Iterable<number> {
    return this.asked.get(`${pc} ${id}`) ?? [];
  }
}
