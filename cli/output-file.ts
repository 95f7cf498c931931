import {
  accessSync,
  closeSync,
  constants,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CommandError, describeSystemError, errorCode, STATUS } from './errors';

const cannotWrite = (path: string, reason: string): CommandError =>
  new CommandError(`${path} cannot be written: ${reason}`, STATUS.failed);

/** A file that a command writes when a guest has ended, which may be long after it was asked for. */
export class OutputFile {
  /** @throws CommandError where it can be seen already that it cannot be written */
  constructor(private readonly path: string) {
    try {
      const known = statSync(path, { throwIfNoEntry: false });
      if (known?.isDirectory()) throw cannotWrite(path, 'it is a folder');
      accessSync(known ? path : dirname(path), constants.W_OK);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      const isMissing = errorCode(error) === 'ENOENT';
      const reason = isMissing ? `there is no ${dirname(path)}` : describeSystemError(error);
      throw cannotWrite(path, reason);
    }
  }

  /**
   * Writes all of it. Half a file is removed; one that cannot be opened stays as it is.
   * @throws CommandError when it cannot be written
   */
  write(content: string | Uint8Array): void {
    const { path } = this;
    let isOpened = false;
    try {
      const file = openSync(path, 'w');
      isOpened = true;
      try {
        writeFileSync(file, content);
      } finally {
        closeSync(file);
      }
    } catch (error) {
      if (isOpened && statSync(path, { throwIfNoEntry: false })?.isFile()) rmSync(path);
      throw cannotWrite(path, describeSystemError(error));
    }
  }
}
