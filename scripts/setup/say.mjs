// What set-up tells the user.

/** A reason to stop that the user can act on: shown as it is, without a stack. */
export class Problem extends Error {}

/** @param {string} text */
export function say(text) {
  console.log(`setup: ${text}`);
}

/** @param {string} text */
export function complain(text) {
  console.error(`setup: ${text}`);
}
