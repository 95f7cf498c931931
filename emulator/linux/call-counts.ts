import { systemCall, systemCallName } from './syscalls/table';

export interface SyscallUse {
  readonly number: number;
  readonly name: string;
  readonly count: number;
  /** False when the call is not there: it answered ENOSYS. */
  readonly known: boolean;
}

/** Numbers that Linux has not given and that are counted, and calls that are told of: a guest may try any number. */
const MOST_NUMBERS = 1000;
const MOST_TOLD = 100;

/** Numbers that Linux gives are below this. */
const USUAL_NUMBERS = 512;

/** Which system calls the processes of a machine have made. */
export class CallCounts {
  /** By their numbers, as far as Linux has given them; made at the first call: many a fork of a machine makes none. */
  private usual: Float64Array | undefined;
  private readonly others = new Map<number, number>();
  private readonly unknown = new Set<number>();

  constructor(private readonly log: (text: string) => void) {}

  count(number: number): void {
    if (number < USUAL_NUMBERS) (this.usual ??= new Float64Array(USUAL_NUMBERS))[number] += 1;
    else if (this.others.has(number) || this.others.size < MOST_NUMBERS) {
      this.others.set(number, (this.others.get(number) ?? 0) + 1);
    }
  }

  /** Says once of each call that it is not there, as long as there are not too many of them. */
  reportUnknown(number: number, pc: number): void {
    const { unknown } = this;
    if (unknown.has(number) || unknown.size >= USUAL_NUMBERS + MOST_NUMBERS) return;
    unknown.add(number);
    if (unknown.size > MOST_TOLD) return;
    const known = systemCall(number);
    const name =
      known === undefined ? `${number}, which Linux does not have,` : `${number} (${known.name})`;
    this.log(`system call ${name} is not there: ENOSYS, first at pc 0x${pc.toString(16)}`);
    if (unknown.size === MOST_TOLD)
      this.log('of further system calls that are not there nothing is said');
  }

  /** The most frequent first. */
  list(): readonly SyscallUse[] {
    const usual = Array.from(this.usual ?? [], (count, number) => [number, count] as const);
    return [...usual.filter(([, count]) => count > 0), ...this.others]
      .map(([number, count]) => ({
        number,
        name: systemCallName(number),
        count,
        known: !this.unknown.has(number),
      }))
      .sort((a, b) => b.count - a.count || a.number - b.number);
  }
}
