import { LONG_ROOTED_CASES } from './rooted-cases';
import { compareRooted } from './rooted-comparison';

compareRooted('rooted.long.test.ts', LONG_ROOTED_CASES);
