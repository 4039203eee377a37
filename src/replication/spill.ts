import { closeSync, mkdirSync, openSync, read, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { ConnectorError } from '../errors/connector-error.js';

const readAt = promisify(read);
let lastNumber = 0;

/** Where transactions too large for memory wait, one file each, named after the slot so that its owner can clean up. */
export interface SpillDirectory {
  readonly path: string;
  readonly slotName: string;
}

interface Extent {
  readonly offset: number;
  readonly length: number;
}

/**
 * Makes the directory when it is missing, for this account alone: the files hold rows.
 * @throws ConnectorError SPILL_FAILED
 */
export function prepareSpillDirectory(directory: SpillDirectory): void {
  guarded(directory, () => mkdirSync(directory.path, { recursive: true, mode: 0o700 }));
}

/**
 * Removes what a killed process left behind. Only the process that holds the slot may call this: a waiting one would
 * remove files in use. (Those of an earlier stream of this process stay readable through their open descriptors.)
 * @returns how many files were removed.
 * @throws ConnectorError SPILL_FAILED
 */
export function removeLeftovers(directory: SpillDirectory): number {
  return guarded(directory, () => {
    // A slot name has no dot, so the prefix of one slot is never that of another.
    const prefix = `${directory.slotName}.`;
    const leftovers = readdirSync(directory.path).filter(
      (name) => name.startsWith(prefix) && name.endsWith('.spill'),
    );
    for (const name of leftovers) rmSync(join(directory.path, name), { force: true });
    return leftovers.length;
  });
}

/**
 * One transaction's blocks on disk. Written synchronously: the rows arrive inside the socket's handler, the page cache
 * takes a block in a fraction of a millisecond, and the stream is held back exactly as long as the disk needs.
 */
export class SpillFile {
  readonly #directory: SpillDirectory;
  readonly #path: string;
  readonly #extents: Extent[] = [];
  #descriptor: number | null;
  #length = 0;
  #largest = 0;
  #reads = 0;
  #released = false;

  /** @throws ConnectorError SPILL_FAILED */
  constructor(directory: SpillDirectory) {
    this.#directory = directory;
    lastNumber += 1;
    this.#path = join(directory.path, `${directory.slotName}.${process.pid}.${lastNumber}.spill`);
    // A process id may come round again after a crash: what bears our name is a leftover.
    this.#descriptor = guarded(directory, () => {
      rmSync(this.#path, { force: true });
      return openSync(this.#path, 'wx+', 0o600);
    });
  }

  get byteLength(): number {
    return this.#length;
  }

  /** Appends one block, which is read back whole. @throws ConnectorError SPILL_FAILED */
  write(bytes: Buffer, start: number, end: number): void {
    const descriptor = this.#open();
    guarded(this.#directory, () => {
      for (let at = start; at < end;) {
        at += writeSync(descriptor, bytes, at, end - at, this.#length + at - start);
      }
    });
    this.#extents.push({ offset: this.#length, length: end - start });
    this.#length += end - start;
    this.#largest = Math.max(this.#largest, end - start);
  }

  /** The blocks in the order written. Each is valid until the next is asked for: they share one buffer. */
  async *blocks(): AsyncGenerator<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(this.#largest);
    for (const extent of this.#extents) {
      await this.#fill(buffer, extent);
      yield buffer.subarray(0, extent.length);
    }
  }

  async #fill(buffer: Buffer, extent: Extent): Promise<void> {
    const descriptor = this.#open();
    this.#reads += 1;
    try {
      for (let at = 0; at < extent.length;) {
        const { bytesRead } = await readAt(descriptor, buffer, at, extent.length - at, extent.offset + at);
        if (bytesRead === 0) throw new Error('the file is shorter than what was written to it');
        at += bytesRead;
      }
    } catch (error) {
      throw spillFailed(this.#directory, error);
    } finally {
      this.#reads -= 1;
      if (this.#released && this.#reads === 0) this.#close();
    }
  }

  /** Removes the file. A read under way ends first: its descriptor must not be closed and reused beneath it. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#reads === 0) this.#close();
    guarded(this.#directory, () => rmSync(this.#path, { force: true }));
  }

  #close(): void {
    if (this.#descriptor === null) return;
    closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #open(): number {
    if (this.#descriptor === null || this.#released) throw new Error('the transaction was released');
    return this.#descriptor;
  }
}

function guarded<T>(directory: SpillDirectory, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw spillFailed(directory, error);
  }
}

function spillFailed(directory: SpillDirectory, cause: unknown): ConnectorError {
  return new ConnectorError('SPILL_FAILED', 'the spill directory cannot be used', {
    cause,
    facts: { directory: directory.path },
  });
}
