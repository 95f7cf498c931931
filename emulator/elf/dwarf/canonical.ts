/** How compilers write integer types in full: `long unsigned int`, `short int`. */
const FULL_NAME = /\b(long long|long|short) (unsigned )?int\b/g;

/** A name as people write it: `unsigned long`, `Array<short, 3>`. */
export const canonicalName = (name: string): string =>
  name.includes(' int')
    ? name.replace(FULL_NAME, (_, size: string, sign = '') => `${sign as string}${size}`)
    : name;
