import type { EngineStop } from '../engine/engine';
import type { HartState } from '../engine/hart-state';
import type { Access, FaultKind } from '../memory/faults';
import { HART } from '../memory/layout';

/**
 * How a pool thread tells the home thread why a hart stopped: in the hart's context, so that it costs no
 * message. `HART.stop` is the kind, `stopDetail` and `stopAddress` depend on it.
 *
 * | kind       | detail | address |
 * |------------|--------|---------|
 * | illegal    | the encoding | |
 * | fuel       | 1 = this thread cannot run the hart | |
 * | fault      | fault kind, access << 8 | of the access |
 * | watch      | size, bit 8 = write | of the access |
 * | misaligned | | of the access |
 */
const KINDS = [
  'fuel',
  'ecall',
  'ebreak',
  'breakpoint',
  'illegal',
  'fault',
  'watch',
  'misaligned',
  'event',
] as const satisfies readonly EngineStop['kind'][];

const FAULTS: readonly FaultKind[] = [
  'unmapped',
  'protection',
  'guard',
  'out-of-range',
  'out-of-memory',
];
const ACCESSES: readonly Access[] = ['read', 'write', 'execute'];
const WATCH_WRITE = 0x100;

export function writeStop(hart: HartState, stop: EngineStop): void {
  hart.setField(HART.stop, KINDS.indexOf(stop.kind));
  switch (stop.kind) {
    case 'fuel':
      hart.setField(HART.stopDetail, 0);
      return;
    case 'illegal':
      hart.setField(HART.stopDetail, stop.bits);
      return;
    case 'fault': {
      const { kind, access, address } = stop.fault;
      hart.setField(HART.stopDetail, FAULTS.indexOf(kind) | (ACCESSES.indexOf(access) << 8));
      hart.setLongField(HART.stopAddress, address);
      return;
    }
    case 'watch':
      hart.setField(HART.stopDetail, stop.size | (stop.write ? WATCH_WRITE : 0));
      hart.setLongField(HART.stopAddress, stop.address);
      return;
    case 'misaligned':
      hart.setLongField(HART.stopAddress, stop.address);
      return;
    case 'ecall':
    case 'ebreak':
    case 'breakpoint':
    case 'event':
  }
}

/** The pool thread could not run the hart at all: the home thread has to. */
export function writeRefusal(hart: HartState): void {
  hart.setField(HART.stop, KINDS.indexOf('fuel'));
  hart.setField(HART.stopDetail, 1);
}

export function isRefusal(hart: HartState): boolean {
  return hart.field(HART.stop) === KINDS.indexOf('fuel') && hart.field(HART.stopDetail) === 1;
}

export function readStop(hart: HartState): EngineStop {
  const kind = KINDS[hart.field(HART.stop)];
  const detail = hart.field(HART.stopDetail);
  const address = hart.addressField(HART.stopAddress);
  switch (kind) {
    case 'illegal':
      return { kind, bits: detail };
    case 'fault':
      return {
        kind,
        fault: { kind: FAULTS[detail & 0xff], access: ACCESSES[detail >>> 8], address },
      };
    case 'watch':
      return { kind, address, size: detail & 0xff, write: (detail & WATCH_WRITE) !== 0 };
    case 'misaligned':
      return { kind, address };
    default:
      return { kind };
  }
}

/** Whether the context holds a stop as `writeStop` writes it, for a context that came from outside. */
export function hasStop(hart: HartState): boolean {
  const detail = hart.field(HART.stopDetail);
  switch (KINDS[hart.field(HART.stop)]) {
    case undefined:
      return false;
    case 'fault':
      return (detail & 0xff) < FAULTS.length && detail >>> 8 < ACCESSES.length;
    default:
      return true;
  }
}
