/** How the map of an address space draws pages: a colour, and a glyph for squares that are large enough. */
import { AGES, type MapColouring } from './address-map';
import { permissionGlyph, STATE_LOOKS } from './page-states';

interface Look {
  /** Name of the colour's token, and how strong it is. */
  readonly token: string;
  readonly alpha: number;
}

/** Colours of permissions, by name of the token. */
const PERMISSION_TOKENS: Readonly<Record<string, string>> = {
  r: '--page-shared',
  rw: '--page-owned',
  rx: '--page-borrowed',
  rwx: '--error',
  '–': '--quiet',
};

/** For each number of stops since a page's state has changed. */
const RECENCY: readonly Look[] = Array.from({ length: AGES }, (_, age) => ({
  token: '--changed',
  alpha: 1 - age / AGES,
}));
/** What is of no interest is pale. */
const PALE: Look = { token: '--line-strong', alpha: 0.5 };

/** Looks of states that have no colour of their own. */
const STATES: Readonly<Record<string, Look>> = {
  zero: PALE,
  guard: { token: '--quiet', alpha: 1 },
  stale: { token: '--warning', alpha: 1 },
};

/**
 * @param states names of the states by their numbers
 * @param cell a page's state and permissions, as in `PagesInfo.cells`
 * @param age how many stops ago its state changed; undefined: earlier or never
 */
export function lookOf(
  colouring: MapColouring,
  states: readonly string[],
  cell: number,
  age: number | undefined,
): Look & { readonly glyph: string } {
  if (colouring === 'permission') {
    const glyph = permissionGlyph(cell);
    return { token: PERMISSION_TOKENS[glyph] ?? '--text', alpha: 1, glyph };
  }
  if (colouring === 'recency') {
    return { ...((age !== undefined && RECENCY[age]) || PALE), glyph: `${age ?? ''}` };
  }
  const state = states[cell >> 3] ?? 'shared';
  const look = STATES[state] ?? { token: `--page-${state}`, alpha: 1 };
  return { ...look, glyph: STATE_LOOKS[state]?.letter ?? '' };
}

/** What the colours mean; those of states stand in the pane's own legend. */
export function legendOf(colouring: MapColouring): readonly (Look & { readonly text: string })[] {
  if (colouring === 'state') return [];
  if (colouring === 'permission') {
    return Object.entries(PERMISSION_TOKENS).map(([glyph, token]) => {
      return { token, alpha: 1, text: glyph === '–' ? 'no access' : glyph };
    });
  }
  const steps = RECENCY.map((look, age) => ({
    ...look,
    text: age === 0 ? 'state changed at the last stop' : `${age} before`,
  }));
  return [...steps, { ...PALE, text: 'earlier or never' }];
}
