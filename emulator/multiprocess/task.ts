import type { Mode, Reason } from './abi';
import type { Hart } from './hart';
import type { Workspaces } from './workspace';

/** How a vCPU ended. */
export interface VcpuStatus {
  readonly reason: Reason;
  /** As `Fault.address`. */
  readonly pc: number;
  /** Of a fault: the address that could not be accessed (`Fault.address`); else 0. */
  readonly address: number;
  /** Of an exit its code; of a fault, an illegal instruction or a kill the signal; else 0. */
  readonly exitCode: number;
  /** Instructions that the vCPU retired. */
  readonly instructions: number;
  /** More about how it ended, for people. */
  readonly note?: string;
}

/** A hart that runs a part of a task. */
export class Vcpu {
  status: VcpuStatus | undefined;

  /**
   * @param id its number in the task, from 1
   * @param limit instructions that it may retire; 0 = as many as it wants
   * @param hart undefined when it could not start
   */
  constructor(
    readonly task: Task,
    readonly id: number,
    readonly limit: number,
    readonly hart: Hart | undefined,
  ) {}

  /** Its mhartid, 0 when it never had one. */
  get mhartid(): number {
    return this.hart?.index ?? 0;
  }

  /** Whether it ended otherwise than at the end of its work. */
  get failed(): boolean {
    if (this.status === undefined) return false;
    const { reason, exitCode } = this.status;
    return reason !== 'returned' && !(reason === 'exited' && exitCode === 0);
  }
}

/** One `multiprocess` call: its vCPUs and how they ended. */
export class Task {
  readonly vcpus: Vcpu[] = [];
  /** vCPUs that have not ended. Counted, because each turn of a hart that waits for them asks. */
  active = 0;
  /** Of mode `workspace`: what the vCPUs did, until it is merged. */
  workspaces: Workspaces | undefined;

  /**
   * @param id unique in the machine, from 1
   * @param plain made by the plain call 110, which `multiprocess_wait` waits for
   */
  constructor(
    readonly id: number,
    readonly mode: Mode,
    readonly owner: Hart,
    readonly plain: boolean,
  ) {}

  get hasFailures(): boolean {
    for (const vcpu of this.vcpus) if (vcpu.failed) return true;
    return false;
  }

  get failures(): number {
    return this.vcpus.reduce((count, vcpu) => count + (vcpu.failed ? 1 : 0), 0);
  }

  /** Which vCPUs failed, as `multiprocess_wait` tells it: bits 1 to 61 by id, bit 62 for any higher id. */
  get failureBits(): bigint {
    let bits = 0n;
    for (const vcpu of this.vcpus) if (vcpu.failed) bits |= 1n << BigInt(Math.min(vcpu.id, 62));
    return bits;
  }
}
