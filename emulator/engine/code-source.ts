/** Where code comes from. */
export interface CodeSource {
  /** The 16 bits at an even address, or undefined when they cannot be fetched. */
  fetch(address: number): number | undefined;
  /** Stores to this page must be reported from now on: it has records. */
  markCode(page: number): unknown;
  /** Where a page's code is fetched from and whether stores may change it: `Translation.codePage`. */
  codePage(page: number): number;
}

/** Bits of `CodeSource.codePage`. */
export const CAN_CHANGE = 1;
export const IS_TOLD = 2;

/** Translated code that begins at some of the records: told what happens to them. */
export interface RegionEntries {
  /** The operation for the new record of `pc`, whose own one is `operation`. */
  operationFor(pc: number, operation: number): number;
  /** The page's records are about to be dropped. */
  invalidate(page: number): void;
  /** All records are about to be dropped. */
  flush(): void;
}
