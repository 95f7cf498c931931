import { ROOTED_CASES } from './rooted-cases';
import { compareRooted } from './rooted-comparison';

compareRooted('rooted.test.ts', ROOTED_CASES);
