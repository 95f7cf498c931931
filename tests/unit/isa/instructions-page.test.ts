import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { instructionsPage } from './instructions-page';

/** Run vitest with `-u` to write the page anew after a change of the table. */
it('docs/instructions.md says what the instruction table says', async () => {
  const path = new URL('../../../docs/instructions.md', import.meta.url);
  const options = await resolveConfig(path);
  const page = await format(instructionsPage(), { ...options, parser: 'markdown' });
  await expect(page).toMatchFileSnapshot(path.pathname);
});
