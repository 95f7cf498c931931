// A writer for asar archives: a Chromium pickle holding a JSON directory, then the files.

/**
 * @param {Record<string, string | Buffer>} files
 * @returns {Buffer}
 */
export function packAsar(files) {
  /** @type {Record<string, { size: number, offset: string }>} */
  const entries = {};
  const bodies = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const body = Buffer.from(content);
    entries[name] = { size: body.length, offset: String(offset) };
    offset += body.length;
    bodies.push(body);
  }
  const json = Buffer.from(JSON.stringify({ files: entries }));
  const padding = Buffer.alloc((4 - (json.length % 4)) % 4);
  const padded = json.length + padding.length;
  // Pickle of the header's size, then the header's own pickle: payload size and string length.
  const head = Buffer.alloc(16);
  [4, padded + 8, padded + 4, json.length].forEach((word, i) => head.writeUInt32LE(word, i * 4));
  return Buffer.concat([head, json, padding, ...bodies]);
}
