import type { AddressSpace } from '../memory/address-space';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../memory/layout';
import type { Detector } from './detector';
import type { Strand } from './strands';

/** A system call that a hart stands at. */
export interface PendingCall {
  /** a7. */
  readonly number: number;
  /** a0 to a5. */
  readonly args: readonly number[];
  /** Instructions that the hart had retired before. */
  readonly instret: number;
}

/** Linux's numbers of the calls that order harts or change what lies where (include/uapi/asm-generic/unistd.h). */
const READS = new Set([63, 65, 67, 69, 207, 212]);
const WRITES = new Set([64, 66, 68, 70, 71, 206, 211]);
const EXIT = 93;
const FUTEX = 98;
const MUNMAP = 215;
const MREMAP = 216;
const MMAP = 222;

/** Operations of futex(2), without their flags. */
const FUTEX_COMMAND = 0x7f;
const FUTEX_WAITS = new Set([0, 9]);
const FUTEX_WAKES = new Set([1, 10]);
/** They wake, and move waiters to the second futex or wake there. */
const FUTEX_REQUEUES = new Set([3, 4]);
const FUTEX_WAKE_OP = 5;

const FILES = 'files';

/** The order that system calls make between harts. */
export class KernelOrders {
  /** Second futexes to which waiters of a first one were moved, by space and address of the first. */
  private readonly moved = new Map<string, Set<number>>();

  constructor(private readonly detector: Detector) {}

  /** @param clearsAt where the kernel clears a word when the caller's thread ends, 0 = nowhere */
  calls(
    strand: Strand,
    space: AddressSpace,
    { number, args }: PendingCall,
    clearsAt: () => number,
  ): void {
    if (WRITES.has(number)) this.detector.synchronisation.send(strand, FILES);
    if (number === FUTEX) this.wakes(strand, space, args);
    if (number !== EXIT) return;
    const address = clearsAt();
    if (address !== 0) this.detector.publish(strand, ownerOf(space, address), address);
  }

  returned(strand: Strand, space: AddressSpace, { number, args }: PendingCall, a0: number): void {
    const { synchronisation } = this.detector;
    if (READS.has(number)) synchronisation.receive(strand, FILES);
    switch (number) {
      case FUTEX:
        if (FUTEX_WAITS.has(args[1] & FUTEX_COMMAND)) this.wakesUp(strand, space, args[0]);
        break;
      case MUNMAP:
        this.forget(space, args[0], args[1]);
        break;
      case MREMAP:
        this.forget(space, args[0], args[1]);
        this.forget(space, a0, args[2]);
        break;
      case MMAP:
        this.forget(space, a0, args[1]);
    }
  }

  private wakes(strand: Strand, space: AddressSpace, args: readonly number[]): void {
    const operation = args[1] & FUTEX_COMMAND;
    const [first, , , , second] = args;
    if (FUTEX_WAKES.has(operation)) this.release(strand, space, first);
    else if (operation === FUTEX_WAKE_OP || FUTEX_REQUEUES.has(operation)) {
      this.release(strand, space, first);
      this.release(strand, space, second);
      if (operation === FUTEX_WAKE_OP) return;
      const key = keyOf(space, first);
      this.moved.set(key, (this.moved.get(key) ?? new Set()).add(second));
    }
  }

  private wakesUp(strand: Strand, space: AddressSpace, address: number): void {
    for (const futex of [address, ...(this.moved.get(keyOf(space, address)) ?? [])]) {
      if (futex >= ADDRESS_LIMIT) continue;
      this.detector.synchronisation.load(strand, ownerOf(space, futex), futex, true);
    }
  }

  private release(strand: Strand, space: AddressSpace, address: number): void {
    if (address >= ADDRESS_LIMIT) return;
    this.detector.synchronisation.store(strand, ownerOf(space, address), address, true);
  }

  /** A range that was mapped or unmapped; an address that is none is an error's number. */
  private forget(space: AddressSpace, start: number, length: number): void {
    if (start >= ADDRESS_LIMIT || length >= ADDRESS_LIMIT) return;
    this.detector.forgetRange(ownerOf(space, start), start, start + length);
  }
}

function ownerOf(space: AddressSpace, address: number): number {
  return space.ownerId(Math.floor(address / PAGE_SIZE));
}

function keyOf(space: AddressSpace, address: number): string {
  return `${ownerOf(space, address)} ${address}`;
}
