import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { guests as list } from '../guests/catalogue.json';

/** A guest that comes with Hartscope (guests/catalogue.json). */
export type Guest = (typeof list)[number];

export const GUESTS: readonly Guest[] = list;

export function findGuest(name: string): Guest | undefined {
  return GUESTS.find((guest) => guest.name === name);
}

/** Where a guest's program lies, whether this runs from its source or as the bundle in out/cli. */
export function guestPath(guest: Guest): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const guests = join(folder, 'guests');
    if (existsSync(join(guests, 'catalogue.json')) || folder === dirname(folder)) {
      return join(guests, guest.file);
    }
  }
}
