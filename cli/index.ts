#!/usr/bin/env node
import { Command } from 'commander';
import { version } from '../package.json';

const program = new Command('hartscope')
  .description('Runs and inspects RISC-V Linux programs.')
  .version(version);

await program.parseAsync();
