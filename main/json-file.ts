import { app } from 'electron';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as v from 'valibot';

/**
 * A small JSON file in the user's data folder. It is written whole to a new file that then takes the
 * old one's name, so a crash leaves the old or the new contents, never half of them. What does not fit
 * the schema (damaged, or from another version) counts as absent.
 */
export class JsonFile<T> {
  constructor(
    private readonly name: string,
    private readonly schema: v.GenericSchema<unknown, T>,
    private readonly initial: T,
  ) {}

  read(): T {
    let contents: unknown;
    try {
      contents = JSON.parse(readFileSync(this.path, 'utf8'));
    } catch (error) {
      if (!isMissing(error)) console.error(`${this.path}: ${String(error)}; starting afresh`);
      return this.initial;
    }
    const result = v.safeParse(this.schema, contents);
    return result.success ? result.output : this.initial;
  }

  write(value: T): void {
    mkdirSync(dirname(this.path), { recursive: true });
    const draft = `${this.path}.${process.pid}.new`;
    writeFileSync(draft, JSON.stringify(value, null, 2));
    renameSync(draft, this.path);
  }

  private get path(): string {
    return join(app.getPath('userData'), this.name);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
