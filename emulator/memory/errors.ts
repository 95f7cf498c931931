/** The machine's memory limit, or one of the arena's tables, is used up. */
export class OutOfMemory extends Error {
  override readonly name = 'OutOfMemory';
}

/** The arena could not be made, or a memory is not an arena of this version. */
export class ArenaError extends Error {
  override readonly name = 'ArenaError';
}

/** A request that no address space can fulfil: not aligned, outside the guest's 4 GiB, or on page 0. */
export class MappingError extends RangeError {
  override readonly name = 'MappingError';
}
