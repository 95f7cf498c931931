/** What is kept between sessions: theme, window places, recent files. The page keeps its own layout. */
import { nativeTheme, screen, type BrowserWindow, type Rectangle } from 'electron';
import * as v from 'valibot';
import type { Theme } from '../preload/api';
import { JsonFile } from './json-file';

export const themeSchema = v.picklist(['system', 'light', 'dark']);

const settingsFile = new JsonFile<{ theme: Theme }>(
  'settings.json',
  v.object({ theme: themeSchema }),
  {
    theme: 'system',
  },
);

/** Sets Chromium's colour scheme too: the page follows it through `prefers-color-scheme`. */
export function applyTheme(theme: Theme = settingsFile.read().theme): void {
  nativeTheme.themeSource = theme;
}

export function setTheme(theme: Theme): void {
  settingsFile.write({ theme });
  applyTheme(theme);
}

export const theme = (): Theme => settingsFile.read().theme;

const side = v.pipe(v.number(), v.integer());
const placeSchema = v.object({
  bounds: v.object({ x: side, y: side, width: side, height: side }),
  maximized: v.boolean(),
});
const placeFile = new JsonFile<v.InferOutput<typeof placeSchema> | null>(
  'window.json',
  v.nullable(placeSchema),
  null,
);

/** Where the last window stood, unless no display shows that place any more. */
export function savedPlace(): { bounds: Rectangle; maximized: boolean } | null {
  const place = placeFile.read();
  if (place === null) return null;
  const { workArea } = screen.getDisplayMatching(place.bounds);
  const { bounds } = place;
  const seen =
    bounds.x < workArea.x + workArea.width &&
    bounds.x + bounds.width > workArea.x &&
    bounds.y < workArea.y + workArea.height &&
    bounds.y + bounds.height > workArea.y;
  return seen ? place : null;
}

/** Remembers a window's place when it closes. */
export function rememberPlace(window: BrowserWindow): void {
  window.on('close', () => {
    placeFile.write({ bounds: window.getNormalBounds(), maximized: window.isMaximized() });
  });
}
