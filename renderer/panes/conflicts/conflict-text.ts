import type {
  ConflictInfo,
  ConflictSideInfo,
  SharingSideInfo,
} from '../../../emulator/debug/protocol-conflicts';
import { counted, grouped } from '../../format';

/** `hart 3, vCPU 2 of task 1`. */
export function sideName({ hart, task, vcpu }: ConflictSideInfo | SharingSideInfo): string {
  return vcpu === undefined ? `hart ${hart}` : `hart ${hart}, vCPU ${vcpu} of task ${task}`;
}

/** What a side did with the bytes: `store 0x05 over 0x00`. */
export function sideDeed({ access, value, old }: ConflictSideInfo): string {
  const over = old === undefined ? '' : ` over ${old}`;
  return value === undefined ? access : `${access} ${value}${over}`;
}

/** What a hart did to a line or page that it shares. */
export function sharingDeed({ loads, stores }: SharingSideInfo, level: string): string {
  const unit = level === 'page' ? ' lines' : '';
  const parts = [
    ...(loads > 0 ? [`${grouped(loads)} loads`] : []),
    ...(stores > 0 ? [`${grouped(stores)} stores`] : []),
  ];
  return unit === '' ? parts.join(', ') : `lines: ${parts.join(', ')}`;
}

export const byteCount = (size: number): string => counted(size, 'byte');

/** Which value stays, of a workspace's conflict. */
export const stays = ({ kind }: ConflictInfo, side: 'first' | 'second'): string =>
  kind === 'conflict' && side === 'first' ? 'stays' : '';
