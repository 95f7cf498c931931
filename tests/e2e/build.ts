import { build } from 'electron-vite';

/** Builds the app once before the end-to-end tests, so that they never test a stale bundle. */
export default async function setup(): Promise<void> {
  await build({ logLevel: 'warn' });
}
