import { open, stat, type FileHandle } from 'node:fs/promises';
import { ConnectorError, toError } from '../errors/connector-error.js';
import { GuestSetBuilder, type GuestSet } from './guest-set.js';
import type { ListOrigin, Look } from './list-origin.js';

const CHUNK_BYTES = 64 * 1024;
/** No id is as long: what has no line ends is no list. */
const MAX_LINE_CHARS = 1_000;
const LOOK_EVERY_MS = 2_000;
/** A file that is being written is read again so often before it is given up. */
const ATTEMPTS = 5;

/**
 * A file with a guest id on each line; a `#` at the beginning of a line or after a blank begins a comment. Looked at every two
 * seconds; what changed is read once it has stayed as it is for one look more, for a file that is being written says less than
 * the finished one. Renaming a new file over it (what editors, `rsync` and Kubernetes do) needs no such luck.
 */
export class ListFile implements ListOrigin {
  readonly name = 'file';
  readonly everyMs: number;
  readonly #path: string;
  #wasRead = false;
  /** Identity of what was read; null: nothing, or it could not be read since. */
  #read: string | null = null;
  /** Identity at the last look. */
  #seen: string | null = null;

  /** @param options.everyMs default 2,000 */
  constructor(path: string, options: { readonly everyMs?: number } = {}) {
    this.#path = path;
    this.everyMs = options.everyMs ?? LOOK_EVERY_MS;
  }

  /** @throws ConnectorError SUPPRESSION_UNREADABLE */
  async look(): Promise<Look> {
    try {
      const identity = await identityOf(this.#path);
      if (identity === this.#read) return { tag: 'same' };
      const settled = identity === this.#seen;
      this.#seen = identity;
      if (!this.#wasRead) return await this.#firstRead();
      return settled ? await this.#readOnce() : { tag: 'unsettled' };
    } catch (error) {
      // Whatever comes back is read, also when it is the file of before.
      this.#read = null;
      throw unreadable(this.#path, error);
    }
  }

  async #firstRead(): Promise<Look> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const look = await this.#readOnce();
      if (look.tag === 'read') return look;
    }
    throw new ListFileError('it changes while it is read');
  }

  async #readOnce(): Promise<Look> {
    const read = await readList(this.#path);
    if (read === null) return { tag: 'unsettled' };
    this.#wasRead = true;
    this.#read = read.identity;
    return { tag: 'read', guests: read.guests };
  }
}

/** Why a file that is there is not taken. */
class ListFileError extends Error {}

function unreadable(path: string, thrown: unknown): ConnectorError {
  const error = toError(thrown);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
  const reason = error instanceof ListFileError ? error.message : (code ?? 'unknown error');
  return new ConnectorError(
    'SUPPRESSION_UNREADABLE',
    `the suppression list of SUPPRESSION_FILE cannot be read: ${reason}`,
    { facts: { file: path, reason }, cause: error },
  );
}

/** Another one after every way in which a file is changed or replaced; also where its time is set back (`cp -p`). */
async function identityOf(from: string | FileHandle): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } =
    typeof from === 'string' ? await stat(from, { bigint: true }) : await from.stat({ bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

/** Null: it changed meanwhile. */
async function readList(path: string): Promise<{ identity: string; guests: GuestSet } | null> {
  const file = await open(path, 'r');
  try {
    const identity = await identityOf(file);
    const lines = new ListLines();
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) break;
      lines.take(chunk.subarray(0, bytesRead));
    }
    const guests = lines.end();
    return (await identityOf(file)) === identity ? { identity, guests } : null;
  } finally {
    await file.close();
  }
}

class ListLines {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #guests = new GuestSetBuilder();
  #rest = '';

  take(bytes: Buffer): void {
    const lines = (this.#rest + this.#decoded(() => this.#decoder.decode(bytes, { stream: true }))).split(
      '\n',
    );
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
    this.#bounded(this.#rest);
  }

  end(): GuestSet {
    this.#line(this.#rest + this.#decoded(() => this.#decoder.decode()));
    return this.#guests.build();
  }

  #line(line: string): void {
    this.#bounded(line);
    const id = line.replace(/(^|\s)#.*$/s, '').trim();
    if (id !== '') this.#guests.add(id);
  }

  #bounded(line: string): void {
    if (line.length > MAX_LINE_CHARS) {
      throw new ListFileError(`it has a line of more than ${MAX_LINE_CHARS} characters`);
    }
  }

  /** UTF-16 and what is no text at all would be read as guests that nobody has. */
  #decoded(decode: () => string): string {
    let text: string;
    try {
      text = decode();
    } catch (error) {
      throw new ListFileError('it is not UTF-8 text', { cause: error });
    }
    if (text.includes('\0')) throw new ListFileError('it is not UTF-8 text');
    return text;
  }
}
