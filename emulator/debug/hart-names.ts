import type { Hart } from '../multiprocess/hart';

/** What the user calls harts, and which of them are pinned. A number that is used again has no name. */
export class HartNames {
  private readonly names = new WeakMap<Hart, string>();
  private readonly pins = new WeakSet<Hart>();

  /** @param name empty takes the name back */
  rename(hart: Hart, name: string): void {
    if (name.trim() === '') this.names.delete(hart);
    else this.names.set(hart, name.trim());
  }

  pin(hart: Hart, pinned: boolean): void {
    if (pinned) this.pins.add(hart);
    else this.pins.delete(hart);
  }

  nameOf(hart: Hart): string | undefined {
    return this.names.get(hart);
  }

  isPinned(hart: Hart): boolean {
    return this.pins.has(hart);
  }
}
