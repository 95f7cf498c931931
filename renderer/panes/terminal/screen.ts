import type { ITheme, Terminal } from '@xterm/xterm';

/** The terminal in the window's colours; the sixteen colours of guests stay readable on either ground. */
export function terminalColours(style: CSSStyleDeclaration): ITheme {
  const token = (name: string): string => resolve(style, name);
  return {
    background: token('--ground'),
    foreground: token('--text'),
    cursor: token('--accent'),
    cursorAccent: token('--ground'),
    selectionBackground: token('--accent-tint'),
    scrollbarSliderBackground: token('--line-strong'),
    scrollbarSliderHoverBackground: token('--faint'),
    scrollbarSliderActiveBackground: token('--faint'),
    black: token('--text'),
    red: token('--error'),
    green: token('--running'),
    yellow: token('--warning'),
    blue: token('--accent'),
    magenta: token('--syntax-name'),
    cyan: token('--syntax-number'),
    white: token('--quiet'),
    brightBlack: token('--faint'),
    brightRed: token('--error'),
    brightGreen: token('--running'),
    brightYellow: token('--warning'),
    brightBlue: token('--accent'),
    brightMagenta: token('--syntax-name'),
    brightCyan: token('--syntax-number'),
    brightWhite: token('--text'),
  };
}

/** A token's colour on the present ground: `light-dark(a, b)` taken apart. */
function resolve(style: CSSStyleDeclaration, name: string): string {
  const value = style.getPropertyValue(name).trim();
  const pair = /^light-dark\(\s*([^,]+?)\s*,\s*([^,]+?)\s*\)$/.exec(value);
  if (!pair) return value;
  const dark = window.matchMedia('(prefers-color-scheme: dark)').matches;
  return (dark ? pair[2] : pair[1]) ?? value;
}

/** All that the terminal holds, as text; wrapped lines are joined again. */
export function screenText({ buffer }: Terminal): string {
  let text = '';
  for (let row = 0; row < buffer.normal.length; row++) {
    const line = buffer.normal.getLine(row);
    if (line === undefined) continue;
    if (row > 0 && !line.isWrapped) text += '\n';
    text += line.translateToString(true);
  }
  return `${text.trimEnd()}\n`;
}
