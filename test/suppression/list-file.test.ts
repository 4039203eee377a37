import { mkdtempSync, rmSync } from 'node:fs';
import { appendFile, chmod, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectorError } from '../../src/errors/connector-error.js';
import { ListFile } from '../../src/suppression/list-file.js';
import type { Look } from '../../src/suppression/list-origin.js';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'list-file-'));
  path = join(directory, 'guests');
});
afterEach(() => rmSync(directory, { recursive: true }));

const CANDIDATES = ['1', '2', '3', '12', 'a b', 'Zoë', '#'];

/** Who of the candidates is listed. */
function listed(look: Look): string[] | string {
  return look.tag === 'read' ? CANDIDATES.filter((guestId) => look.guests.has(guestId)) : look.tag;
}

async function firstLook(contents: string | Buffer): Promise<string[] | string> {
  await writeFile(path, contents);
  return listed(await new ListFile(path).look());
}

describe('what a file lists', () => {
  it('is an id a line, without blanks at its ends, comments and empty lines', async () => {
    const text = ['# opted out', '1', '', '  2\t', '12 # by letter', '#3', ' # 3', 'a b', 'Zoë'].join('\n');
    expect(await firstLook(text)).toEqual(['1', '2', '12', 'a b', 'Zoë']);
  });

  it('is the same with the line ends and the byte order mark of Windows, and without a last line end', async () => {
    expect(await firstLook('\uFEFF1\r\n2\r\n\r\n3')).toEqual(['1', '2', '3']);
  });

  it('may be nobody', async () => {
    expect(await firstLook('# nobody\n')).toEqual([]);
    expect(await firstLook('')).toEqual([]);
  });

  it('is read whole, however long it is and wherever a character is cut in two', async () => {
    const ids = Array.from({ length: 50_000 }, (_, n) => `gäst-${n}`);
    await writeFile(path, ids.join('\n'));
    const look = await new ListFile(path).look();
    if (look.tag !== 'read') throw new Error(look.tag);
    expect(look.guests.size).toBe(ids.length);
    expect(ids.filter((id) => !look.guests.has(id))).toEqual([]);
  });
});

describe('a file that is no list is refused and says why', () => {
  it.each([
    ['UTF-16', Buffer.from('1\n2\n', 'utf16le'), 'it is not UTF-8 text'],
    ['bytes', Buffer.from([0x31, 0x0a, 0xff, 0xfe]), 'it is not UTF-8 text'],
    ['all on one line', '1,'.repeat(1_000), 'it has a line of more than 1000 characters'],
  ])('%s', async (_name, contents, reason) => {
    await expect(firstLook(contents)).rejects.toMatchObject({
      code: 'SUPPRESSION_UNREADABLE',
      facts: { file: path, reason },
    });
  });

  it('missing, a directory, or behind a link that leads nowhere', async () => {
    const reasonOf = async (): Promise<unknown> =>
      new ListFile(path).look().catch((error: unknown) => (error as ConnectorError).facts['reason']);
    expect(await reasonOf()).toBe('ENOENT');
    await mkdir(path);
    expect(await reasonOf()).toBe('EISDIR');
    await rm(path, { recursive: true });
    await symlink(join(directory, 'nowhere'), path);
    expect(await reasonOf()).toBe('ENOENT');
  });

  it.skipIf(process.getuid?.() === 0)('not readable for this user', async () => {
    await writeFile(path, '1');
    await chmod(path, 0o000);
    await expect(new ListFile(path).look()).rejects.toMatchObject({ facts: { reason: 'EACCES' } });
  });
});

describe('a file that changes', () => {
  it('is read again once it has stayed as it is from one look to the next', async () => {
    await writeFile(path, '1\n');
    const file = new ListFile(path);
    expect(listed(await file.look())).toEqual(['1']);
    expect(listed(await file.look())).toBe('same');
    await appendFile(path, '2\n');
    expect(listed(await file.look())).toBe('unsettled');
    // Still being written.
    await appendFile(path, '3\n');
    expect(listed(await file.look())).toBe('unsettled');
    expect(listed(await file.look())).toEqual(['1', '2', '3']);
    expect(listed(await file.look())).toBe('same');
  });

  it('is seen when another is renamed over it, of the same size and with the time of before', async () => {
    await writeFile(path, '1\n');
    const at = new Date('2026-01-31T00:00:00Z');
    await utimes(path, at, at);
    const file = new ListFile(path);
    await file.look();
    const next = join(directory, 'next');
    await writeFile(next, '2\n');
    await utimes(next, at, at);
    await rename(next, path);
    await file.look();
    expect(listed(await file.look())).toEqual(['2']);
  });

  it('is seen when the link that leads to it is turned, as Kubernetes does', async () => {
    const [first, second] = [join(directory, 'v1'), join(directory, 'v2')];
    await writeFile(first, '1');
    await writeFile(second, '2');
    await symlink(first, path);
    const file = new ListFile(path);
    expect(listed(await file.look())).toEqual(['1']);
    await symlink(second, join(directory, 'turned'));
    await rename(join(directory, 'turned'), path);
    await file.look();
    expect(listed(await file.look())).toEqual(['2']);
  });

  it('that was gone is read when it is back, also when it is the same', async () => {
    await writeFile(path, '1\n');
    const file = new ListFile(path);
    await file.look();
    await rename(path, join(directory, 'away'));
    await expect(file.look()).rejects.toMatchObject({ facts: { reason: 'ENOENT' } });
    await expect(file.look()).rejects.toMatchObject({ facts: { reason: 'ENOENT' } });
    await rename(join(directory, 'away'), path);
    const looks = [listed(await file.look()), listed(await file.look()), listed(await file.look())];
    expect(looks).toContainEqual(['1']);
    expect(looks.at(-1)).toBe('same');
  });
});
