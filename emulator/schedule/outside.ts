import type { InputStream, StandardStreams } from '../linux/streams';
import { Terminal, type TerminalIncident } from '../linux/terminal';
import type { Entry, Incident, Position } from './recording';

/** Where what a machine gets from outside while it runs comes from. */
export interface Outside {
  /** What the machine's kernel is given. */
  readonly streams: StandardStreams;
  /** Lets what has come so far take its course. False when there was nothing. */
  deliver(): boolean;
  /** The instruction count at which the machine must look up next; Infinity: whenever it likes. */
  readonly next: number;
  /** Something may still come to whoever waits for input. */
  readonly mayCome: boolean;
  /**
   * All wait, some of them for input, and a deadline comes next. True when nothing came and time may pass; false when
   * the embedder must be asked.
   */
  sleep(): boolean;
}

const isTerminalIncident = (entry: Entry): entry is Entry & TerminalIncident =>
  ['typed', 'resized', 'signal', 'hangup'].includes(entry.kind);

/** The world itself: the embedder's streams, written down when somebody wants to know. */
export class LiveOutside implements Outside {
  readonly streams: StandardStreams;
  readonly next = Infinity;
  mayCome: boolean;
  /** The embedder was asked, and since then nothing has come. */
  private asked = false;

  /**
   * @param position where the run is
   * @param note is told what comes in, in the order in which it came
   */
  constructor(
    streams: StandardStreams,
    private readonly position: () => Position,
    private readonly note: (entry: Entry) => void = () => undefined,
  ) {
    const { stdin } = streams;
    this.mayCome = stdin instanceof Terminal;
    for (const terminal of terminalsOf(streams)) {
      terminal.onIncident = (incident) => {
        // The keys' bytes are the embedder's, who may use them again.
        const isTyped = incident.kind === 'typed';
        this.came(isTyped ? { ...incident, bytes: incident.bytes.slice() } : incident);
      };
    }
    this.streams = stdin instanceof Terminal ? streams : { ...streams, stdin: this.noted(stdin) };
  }

  deliver(): boolean {
    return false;
  }

  sleep(): boolean {
    this.asked = !this.asked;
    if (!this.asked) this.came({ kind: 'slept' });
    return !this.asked;
  }

  private came(incident: Incident): void {
    this.asked = false;
    this.note({ ...this.position(), ...incident });
  }

  /** The stream, with what it answers written down. */
  private noted(stream: InputStream): InputStream {
    let ready: number | undefined;
    const noteReady = (count: number): void => {
      if (count < 0) this.mayCome = true;
      if (count !== ready) this.came({ kind: 'ready', count });
      ready = count;
    };
    const { terminal } = stream;
    return {
      isTerminal: stream.isTerminal,
      ...(terminal && { terminal }),
      read: (max, timedOut) => {
        const result = stream.read(max, timedOut);
        if (result === 'wait') this.mayCome = true;
        else {
          const bytes = result === 'eof' ? new Uint8Array(0) : result;
          this.came({ kind: 'read', bytes });
        }
        return result;
      },
      ...(stream.readDeadline && { readDeadline: (since) => stream.readDeadline?.(since) }),
      ...((stream.available ?? stream.readable) && {
        available: () => {
          const count = stream.available?.() ?? (stream.readable?.() === true ? 1 : 0);
          noteReady(count > 0 || stream.readable?.() === true ? count : -1);
          return count;
        },
        readable: () => {
          const isReadable = stream.readable?.() ?? (stream.available?.() ?? 0) > 0;
          noteReady(isReadable ? (stream.available?.() ?? 1) : -1);
          return isReadable;
        },
      }),
    };
  }
}

/** What a recording says has come. */
export class ReplayedOutside implements Outside {
  readonly streams: StandardStreams;
  readonly mayCome = true;
  private place = 0;
  private ready = -1;

  /** @param streams whose input is not looked at: a terminal, or one that only says that it is none */
  constructor(
    streams: StandardStreams,
    private readonly position: () => Position,
    private readonly entries: readonly Entry[],
  ) {
    const { stdin } = streams;
    this.streams = stdin instanceof Terminal ? streams : { ...streams, stdin: this.replayed() };
  }

  get next(): number {
    return this.coming?.at ?? Infinity;
  }

  /** What comes next; undefined when all of the recording has come. */
  get coming(): Entry | undefined {
    return this.entries[this.place];
  }

  deliver(): boolean {
    let delivered = false;
    for (let entry = this.due(); entry && isTerminalIncident(entry); entry = this.due()) {
      this.place += 1;
      for (const terminal of terminalsOf(this.streams)) terminal.take(entry);
      delivered = true;
    }
    return delivered;
  }

  sleep(): boolean {
    // Where nothing was written down nothing could come, and nobody was asked.
    if (this.due()?.kind === 'slept') this.place += 1;
    return true;
  }

  /**
   * The next entry when its place in the run is here.
   * @throws Error when the run has come past it: it is not the recorded one
   */
  private due(): Entry | undefined {
    const entry = this.coming;
    if (!entry) return undefined;
    const { at, events } = this.position();
    if (at > entry.at || events > entry.events) {
      throw new Error(
        `The run is not the recorded one: after ${at} instructions and ${events} events it has not asked for ` +
          `what came after ${entry.at} and ${entry.events} (${entry.kind}).`,
      );
    }
    return at === entry.at && events === entry.events ? entry : undefined;
  }

  private replayed(): InputStream {
    const look = (): void => {
      for (let entry = this.due(); entry?.kind === 'ready'; entry = this.due()) {
        this.place += 1;
        this.ready = entry.count;
      }
    };
    const read: InputStream['read'] = () => {
      look();
      const entry = this.due();
      if (entry?.kind !== 'read') return 'wait';
      this.place += 1;
      return entry.bytes.length === 0 ? 'eof' : entry.bytes.slice();
    };
    // A stream that cannot tell whether it is ready was never asked.
    if (!this.entries.some(({ kind }) => kind === 'ready')) return { isTerminal: false, read };
    return {
      isTerminal: false,
      read,
      available: () => {
        look();
        return Math.max(0, this.ready);
      },
      readable: () => {
        look();
        return this.ready >= 0;
      },
    };
  }
}

/** Terminals among the streams, each once. */
function terminalsOf({ stdin, stdout, stderr }: StandardStreams): Terminal[] {
  const terminals = [stdin, stdout, stderr].filter((stream) => stream instanceof Terminal);
  return [...new Set(terminals)];
}
