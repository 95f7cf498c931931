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
    const { value, problem } = this.inspect();
    if (problem !== undefined) console.error(`${problem} Starting afresh.`);
    return value;
  }

  /** The contents, or the initial ones and what is wrong with the file. One that is absent is no problem. */
  inspect(): { readonly value: T; readonly problem?: string } {
    const damaged = (why: string): { value: T; problem: string } => ({
      value: this.initial,
      problem: `${this.path} is damaged: ${why}.`,
    });
    let contents: unknown;
    try {
      contents = JSON.parse(readFileSync(this.path, 'utf8'));
    } catch (error) {
      return isMissing(error) ? { value: this.initial } : damaged((error as Error).message);
    }
    const result = v.safeParse(this.schema, contents);
    return result.success
      ? { value: result.output }
      : damaged(v.summarize(result.issues).replaceAll(/\s+/g, ' '));
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
