import { expect, it } from 'vitest';
import { ResourceLimits } from '../../../emulator/linux/limits';

const NOFILE = 7;

it('resource limits of a child process change neither its parent’s nor a sibling’s', () => {
  const parent = ResourceLimits.create({ openFiles: 100 });
  const [child, sibling] = [parent.copy(), parent.copy()];
  child.set(NOFILE, { soft: 7n, hard: 8n });
  parent.set(NOFILE, { soft: 50n, hard: 60n });
  expect([parent, child, sibling].map((limits) => limits.openFiles)).toEqual([50, 7, 100]);
});
