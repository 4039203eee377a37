import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReceiver, type Receiver } from '../../src/demo/receiver.js';
import { invoked, type Invoked } from '../backfill/invoked.js';
import { eventually } from './eventually.js';
import { testDatabase, type TestDatabase } from './postgres.js';
import { slotOf } from './captured.js';
import { startProcess, type RunningProcess } from './running-process.js';
import { testRedis } from './redis.js';

const WRITE_KEY = 'wk_mapped';

/** A call as it arrived. */
export interface ArrivedCall {
  readonly type: string;
  readonly event: string;
  readonly messageId: string;
  readonly userId: string | null;
  readonly timestamp: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface MappedSystem extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly env: Readonly<Record<string, string>>;
  /** Track calls in the order in which they arrived, the first of each id. */
  calls(): readonly ArrivedCall[];
  /** Ids of everything that arrived, identify calls too. */
  ids(): readonly string[];
  /** A command of `paytronix-segment` in this process. */
  invoke(...argv: readonly string[]): Promise<Invoked>;
  /** `paytronix-segment run` as a process of its own. */
  run(): RunningProcess;
  /** Resolves when these ids have arrived, and no other. */
  arrived(ids: readonly string[]): Promise<void>;
}

export interface MappedSystemOptions {
  /** SQL that makes the user's database. */
  readonly schema: string;
  /** Path of the `connector.yaml`. */
  readonly config: string;
}

/** A database with a schema of its own, mapped by a file alone. */
export async function mappedSystem({ schema, config }: MappedSystemOptions): Promise<MappedSystem> {
  const db = await testDatabase({ migrate: false });
  await db.sql(schema);
  const redis = await testRedis();
  const receiver: Receiver = await startReceiver({ writeKeys: [WRITE_KEY] });
  const directory = await mkdtemp(join(tmpdir(), 'mapped-'));
  const env = {
    CONFIG_FILE: config,
    DATABASE_URL: db.url,
    REDIS_URL: redis.url,
    SEGMENT_WRITE_KEY: WRITE_KEY,
    SEGMENT_HOST: receiver.url,
    SLOT_NAME: slotOf(db),
    SPILL_DIR: directory,
    HTTP_PORT: '0',
    LOG_LEVEL: 'info',
  };
  const processes: RunningProcess[] = [];
  const firsts = (): Map<string, ArrivedCall> => {
    const found = new Map<string, ArrivedCall>();
    for (const { call, messageId, userId } of receiver.events) {
      if (found.has(messageId)) continue;
      found.set(messageId, { ...(call as unknown as ArrivedCall), messageId, userId });
    }
    return found;
  };
  const ids = (): readonly string[] => [...firsts().keys()];
  return {
    db,
    env,
    ids,
    calls: () => [...firsts().values()].filter(({ type }) => type === 'track'),
    invoke: (...argv) => invoked(argv, env),
    run: () => {
      const started = startProcess(['run'], env);
      processes.push(started);
      return started;
    },
    arrived: async (wanted) => {
      const all = new Set(wanted);
      await eventually(
        () => {
          const there = new Set(ids());
          return there.size >= all.size && [...all].every((id) => there.has(id));
        },
        () => {
          const there = new Set(ids());
          const missing = [...all].filter((id) => !there.has(id));
          return `missing ${missing.slice(0, 10).join(', ')} (${missing.length}); extra ${[...there]
            .filter((id) => !all.has(id))
            .slice(0, 10)
            .join(', ')}\n${processes.map(({ log }) => log()).join('\n')}`;
        },
      );
    },
    [Symbol.asyncDispose]: async () => {
      for (const { child } of processes) {
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      }
      await receiver.close();
      await redis.dispose();
      await db.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export async function exampleSchema(name: string): Promise<string> {
  return readFile(`examples/${name}/schema.sql`, 'utf8');
}
