// Electron's fuses: switches written into the executable, one ASCII digit each, after a fixed marker.
// Source: electron/fuses, "fuse wire" version 1.
import { readFileSync, writeFileSync } from 'node:fs';

const MARKER = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';

/** Position in the wire. `nodeCliInspect`: tests attach through --inspect. */
const FUSES = { nodeCliInspect: 3, browserSnapshot: 6 };

/**
 * @param {string} file
 * @param {Partial<Record<keyof typeof FUSES, boolean>>} settings
 */
export function setFuses(file, settings) {
  const image = readFileSync(file);
  const wire = image.indexOf(MARKER) + MARKER.length;
  if (wire < MARKER.length || image[wire] !== 1)
    throw new Error(`no fuses of version 1 in ${file}`);
  for (const [name, on] of Object.entries(settings)) {
    // Two bytes of version and length come before the fuses.
    image[wire + 2 + FUSES[/** @type {keyof typeof FUSES} */ (name)]] = (on ? '1' : '0').charCodeAt(
      0,
    );
  }
  writeFileSync(file, image);
}
