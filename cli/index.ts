#!/usr/bin/env node
import { ProcessHost } from './host';
import { main } from './main';

process.exit(await main(process.argv.slice(2), new ProcessHost()));
