import type { FlameBox } from './flame-layout';

export interface FlameColours {
  readonly isDark: boolean;
  readonly text: string;
  readonly ground: string;
  readonly accent: string;
  readonly font: string;
}

export interface FlamePicture {
  /** Height of a row, and how far the rows are scrolled up, in CSS pixels. */
  readonly row: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly nameOf: (node: number) => string;
  /** Undefined when nothing is searched for. */
  readonly isFound: ((node: number) => boolean) | undefined;
  /** How a frame differs from another run, from -1, less, to 1, more; undefined when nothing is compared. */
  readonly shade: ((node: number) => number) | undefined;
  readonly selected: number;
  readonly hovered: number | null;
  readonly colours: FlameColours;
}

/** Narrower frames have no room for a name, in CSS pixels. */
const NARROWEST_NAME = 24;
const CHARACTER = 6.6;

/** A muted colour that is always the same for a name. */
function colourOf(name: string, isDark: boolean): string {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) | 0;
  const hue = ((hash >>> 0) % 60) + 20;
  const lightness = (isDark ? 30 : 78) + (((hash >>> 8) & 7) - 3);
  return `hsl(${hue} ${isDark ? 38 : 62}% ${lightness}%)`;
}

/** Orange for more, blue for less, grey for the same; they differ for those who see few colours, too. */
function shadeColour(shade: number, isDark: boolean): string {
  const strength = Math.abs(shade);
  const hue = shade > 0 ? 24 : 214;
  const lightness = isDark ? 27 + 15 * strength : 88 - 24 * strength;
  return `hsl(${hue} ${Math.round(90 * strength)}% ${Math.round(lightness)}%)`;
}

export function drawFlames(
  context: CanvasRenderingContext2D,
  boxes: readonly FlameBox[],
  picture: FlamePicture,
): void {
  const { row, top, colours, nameOf, isFound, shade } = picture;
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, picture.width, picture.height);
  context.font = colours.font;
  context.textBaseline = 'middle';
  for (const box of boxes) {
    const name = nameOf(box.node);
    const y = box.row * row - top;
    // A hair of the ground between neighbours.
    const width = Math.max(0.5, box.width - 1);
    context.globalAlpha = isFound && !isFound(box.node) ? 0.3 : 1;
    const colour = shade
      ? shadeColour(shade(box.node), colours.isDark)
      : colourOf(name, colours.isDark);
    context.fillStyle = isFound?.(box.node) ? colours.accent : colour;
    context.fillRect(box.left, y, width, row - 1);
    if (width >= NARROWEST_NAME) {
      const room = Math.floor((width - 6) / CHARACTER);
      context.fillStyle = isFound?.(box.node) ? colours.ground : colours.text;
      const text = name.length > room ? `${name.slice(0, Math.max(1, room - 1))}…` : name;
      context.fillText(text, Math.max(0, box.left) + 4, y + row / 2);
    }
    context.globalAlpha = 1;
    if (box.node === picture.selected || box.node === picture.hovered) {
      context.strokeStyle = box.node === picture.selected ? colours.accent : colours.text;
      context.strokeRect(box.left + 0.5, y + 0.5, width - 1, row - 2);
    }
  }
}
