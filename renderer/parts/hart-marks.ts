import type { HartInfo } from '../../emulator/debug/protocol';

/** Frozen, held at a barrier point, parted from its group; then the group, by its first hart, and a pin. */
export const hartMarks = (hart: HartInfo | undefined): string =>
  [
    hart?.frozen && '❄',
    hart?.heldAt !== undefined && '⊣',
    hart?.diverged && '≠',
    hart?.group !== undefined && `=${hart.group}`,
    hart?.pinned && '★',
  ]
    .filter((mark) => mark !== undefined && mark !== false)
    .join(' ');
