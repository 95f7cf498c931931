import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import { FORMATS, type NumberFormat } from '../format';

type Formats = Readonly<Record<string, NumberFormat>>;
const KNOWN: ReadonlySet<string> = new Set(FORMATS.map(({ id }) => id));

/** Which format a register (`x10`) or a watch (`=a0 + 8`) is shown in, where it is not the usual one. */
export const useRegisterFormats = defineStore('register-formats', () => {
  const formats = shallowRef<Formats>({});

  function set(id: string, format: NumberFormat): void {
    formats.value = { ...formats.value, [id]: format };
  }

  /** Takes those that this version knows. */
  function replace(given: Readonly<Record<string, string>>): void {
    formats.value = Object.fromEntries(
      Object.entries(given).filter((each): each is [string, NumberFormat] => KNOWN.has(each[1])),
    );
  }

  return { formats, set, replace };
});
