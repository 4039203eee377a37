#!/usr/bin/env node
/**
 * Makes a fresh clone ready to run: Node's version, the packages of package-lock.json, and a Redis to start. Built-ins
 * only, because it runs before anything is installed. Says nothing when all is there.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MINIMUM_NODE = [20, 19];
const REDIS_PROGRAMS = ['redis-server', 'valkey-server'];
/** Asked by Debian's package scripts before they start a service; 101 = do not. Elsewhere in its test. */
const SERVICE_POLICY = process.env.SERVICE_POLICY ?? '/usr/sbin/policy-rc.d';

/** @param {string} version such as `20.19.1` */
export function nodeIsTooOld(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1]);
}

/**
 * Whether a package of the lock file is missing or of another version. Optional ones of other platforms are missing
 * rightly; packages left over do no harm.
 * @param {{packages: Record<string, {version?: string, optional?: boolean}>}} wanted package-lock.json
 * @param {{packages: Record<string, {version?: string}>} | null} installed node_modules/.package-lock.json
 */
export function needsInstall(wanted, installed) {
  if (installed === null) return true;
  return Object.entries(wanted.packages).some(([path, want]) => {
    const have = installed.packages[path];
    if (path === '') return false;
    return have === undefined ? want.optional !== true : have.version !== want.version;
  });
}

/** @param {string} platform as process.platform */
export function redisAdvice(platform) {
  const commands = {
    darwin: ['brew install redis'],
    linux: [
      'sudo apt-get install -y redis-server     (Debian, Ubuntu)',
      'sudo dnf install -y valkey               (Fedora, RHEL)',
      'sudo apk add redis                       (Alpine)',
      'sudo pacman -S valkey                    (Arch)',
    ],
    win32: ['wsl --install, and there: sudo apt-get install -y redis-server'],
  }[platform] ?? ['see https://redis.io/docs/latest/operate/oss_and_stack/install'];
  return [
    'The demo and the tests start a Redis of their own, and neither redis-server nor valkey-server is on PATH.',
    'Install one and run this again:',
    ...commands.map((command) => `  ${command}`),
  ].join('\n');
}

/** @param {string} name */
function onPath(name) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    const file = join(directory, name);
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`bootstrap: ${text}\n`);
}

/** @param {string} text @returns {never} */
function giveUp(text) {
  say(text);
  process.exit(1);
}

/** @param {string} file */
function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

/** @param {string} root */
function installPackages(root) {
  const wanted = readJson(join(root, 'package-lock.json'));
  if (!needsInstall(wanted, readJson(join(root, 'node_modules', '.package-lock.json')))) return;
  say('installing the packages of package-lock.json (npm ci)');
  const npm = process.env.npm_execpath;
  const [command, first] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
  const result = spawnSync(command, [...first, 'ci', '--include=dev', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: npm === undefined && process.platform === 'win32',
  });
  if (result.status !== 0) giveUp('npm ci failed; its output is above. Is the registry reachable?');
}

function provideRedis() {
  if (REDIS_PROGRAMS.some(onPath)) return;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) giveUp(redisAdvice(process.platform));
  say('installing redis-server (apt-get); its service is not started');
  const policyIsOurs = existsSync(dirname(SERVICE_POLICY)) && !existsSync(SERVICE_POLICY);
  if (policyIsOurs) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const run = (/** @type {string[]} */ ...args) =>
      spawnSync('apt-get', args, { stdio: ['ignore', 2, 2], env });
    run('update', '-qq');
    run('install', '-y', '-qq', '--no-install-recommends', 'redis-server');
  } finally {
    if (policyIsOurs) rmSync(SERVICE_POLICY);
  }
  // The package also enables the service for the next boot; ours are started and stopped by the demo and the tests.
  if (existsSync('/run/systemd/system') && onPath('systemctl')) {
    spawnSync('systemctl', ['disable', '--quiet', 'redis-server'], { stdio: 'ignore' });
  }
  if (!REDIS_PROGRAMS.some(onPath)) giveUp(`apt-get could not install it.\n${redisAdvice(process.platform)}`);
}

const script = fileURLToPath(import.meta.url);
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === realpathSync(script)) {
  if (nodeIsTooOld(process.versions.node)) {
    giveUp(
      `Node ${MINIMUM_NODE.join('.')} or newer is needed; this is ${process.versions.node}. See https://nodejs.org.`,
    );
  }
  installPackages(dirname(dirname(script)));
  provideRedis();
}
