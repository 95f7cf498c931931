#!/usr/bin/env node
import { prepare } from './prepare';

const words = process.argv.slice(2);
prepare(words);
// Loaded while the thread that translates starts.
const [{ main }, { ProcessHost }] = await Promise.all([import('./main'), import('./host')]);
process.exit(await main(words, new ProcessHost()));
