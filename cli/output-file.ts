import { accessSync, constants, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CommandError, describeSystemError, errorCode, STATUS } from './errors';

const cannotWrite = (path: string, reason: string): CommandError =>
  new CommandError(`${path} cannot be written: ${reason}`, STATUS.failed);

/** A file that a command writes when a guest has ended, which may be long after it was asked for. */
export class OutputFile {
  /** @throws CommandError where it can be seen already that it cannot be written */
  constructor(private readonly path: string) {
    let isFolder = false;
    try {
      const known = statSync(path, { throwIfNoEntry: false });
      isFolder = known?.isDirectory() === true;
      accessSync(known ? path : dirname(path), constants.W_OK);
    } catch (error) {
      const reason = describeSystemError(error);
      const folder = dirname(path);
      throw cannotWrite(path, errorCode(error) === 'ENOENT' ? `there is no ${folder}` : reason);
    }
    if (isFolder) throw cannotWrite(path, 'it is a folder');
  }

  /**
   * Writes all of it. Half a file is removed.
   * @throws CommandError when it cannot be written
   */
  write(content: string | Uint8Array): void {
    const { path } = this;
    try {
      writeFileSync(path, content);
    } catch (error) {
      if (statSync(path, { throwIfNoEntry: false })?.isFile()) rmSync(path);
      throw cannotWrite(path, describeSystemError(error));
    }
  }
}
