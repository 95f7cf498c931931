import { A } from './a';
import { C } from './c';
import { FLOAT } from './float';
import { I } from './i';
import { M } from './m';
import type { Instruction } from './types';
import { ZBA } from './zba';
import { ZBB } from './zbb';
import { ZBC } from './zbc';
import { ZBS } from './zbs';
import { ZCB } from './zcb';
import { ZICOND } from './zicond';
import { ZICSR } from './zicsr';
import { ZIFENCEI } from './zifencei';

/** THE instruction table: RV64GC with Zba, Zbb, Zbc, Zbs, Zicond, Zcb and Zfh. */
export const INSTRUCTIONS: readonly Instruction[] = [
  ...I,
  ...M,
  ...A,
  ...ZICSR,
  ...ZIFENCEI,
  ...FLOAT,
  ...ZBA,
  ...ZBB,
  ...ZBC,
  ...ZBS,
  ...ZICOND,
  ...C,
  ...ZCB,
];
