import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';

/** Keys, passwords and certificates are a few KiB. */
const MAX_BYTES = 1024 ** 2;

/** Why a file that can be read is not taken. `code` stands beside the system's own, such as ENOENT. */
class TextFileError extends Error {
  override readonly name = 'TextFileError';
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/**
 * The text of a small file. It may be a pipe or a device, whose size says nothing: so it is read up to the bound and no further.
 * @throws Error with the system's `code`, or one that says what is wrong with the contents
 */
export function readTextFile(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
    if (length > MAX_BYTES) throw new TextFileError('more than 1 MiB');
    const text = bytes.subarray(0, length);
    if (!isUtf8(text) || text.includes(0)) throw new TextFileError('not text');
    return text.toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}
