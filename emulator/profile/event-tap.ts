import { inOrder, type ArenaEvent, type EventLog } from '../memory/events';

/**
 * Reads all events of a machine while it runs, with none lost of those that this thread writes: these are heard as they
 * are written, whatever becomes of their rings. Of other threads' those are lost that were overwritten between two
 * calls of `collect`.
 */
export class EventTap {
  /** Events that nobody has read, and never will. */
  lost = 0;
  private heard: ArenaEvent[] = [];
  private readonly positions: Uint32Array;

  /** @param harts that the arena has room for */
  constructor(
    private readonly events: EventLog,
    harts: number,
  ) {
    this.positions = new Uint32Array(harts);
    events.listener = (event) => this.heard.push(event);
  }

  /** What is new, in the order of events. */
  collect(): ArenaEvent[] {
    const { heard } = this;
    this.heard = [];
    const { events, lost } = this.events.readAll(this.positions);
    const known = new Set(heard.map(({ sequence }) => sequence));
    const read = events.filter(({ sequence }) => !known.has(sequence));
    // What was heard and is not in its ring any more counts as lost there.
    this.lost += Math.max(0, lost - (heard.length - (events.length - read.length)));
    return inOrder([...heard, ...read]);
  }

  end(): void {
    this.events.listener = undefined;
  }
}
