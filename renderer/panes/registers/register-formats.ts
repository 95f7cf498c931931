/** Which format each register is shown in, kept between sessions. */
import { FORMATS, type NumberFormat } from '../../format';

const KEY = 'register-formats';

export function loadFormats(): Record<string, NumberFormat> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    if (typeof kept !== 'object' || kept === null) return {};
    const known = new Set<unknown>(FORMATS.map(({ id }) => id));
    return Object.fromEntries(
      Object.entries(kept).filter((entry): entry is [string, NumberFormat] => known.has(entry[1])),
    );
  } catch {
    // Damaged: the usual formats take its place.
    return {};
  }
}

export const saveFormats = (formats: Record<string, NumberFormat>): void =>
  localStorage.setItem(KEY, JSON.stringify(formats));
