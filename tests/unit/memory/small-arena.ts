import { Arena } from '../../../emulator/memory';

/** An arena for a few small address spaces: tests reset it, because shared memories are scarce. */
export const smallArena = (): Arena =>
  Arena.create({
    frames: 512,
    recordBytes: 0,
    harts: 4,
    nodes: 2048,
    spaces: 40,
    tablePairs: 4,
  });
