import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FaultScript, Receiver } from '../../src/demo/receiver-contract.js';
import { startReceiver } from '../../src/demo/receiver.js';
import { DeadLetters, type DeadLetter } from '../../src/queue/dead-letters.js';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { eventually } from '../support/eventually.js';
import { system, type RunningProcess, type System } from '../support/system.js';
import { markPersonalData, personalValues, tracesOf } from './personal-data.js';
import { Watched } from './watched.js';

/** Sources that stand still, by what every request of theirs is answered with. */
const STANDING_STILL = { unknown: 401, refused: 400, moved: 302 } as const;

/** Whatever went wrong, Segment's answer tells what it was sent. */
function quoting(status: number): FaultScript {
  return (_request, calls) => ({
    tag: 'status',
    status,
    headers: { Location: `https://elsewhere.example/${encodeURIComponent(JSON.stringify(calls[0]))}` },
    body: JSON.stringify({ error: { message: `cannot take ${JSON.stringify(calls)}` } }),
  });
}

/** The first call of a kind is refused for good, whoever stands beside it. */
function poison(kind: string): FaultScript {
  let refused: string | null = null;
  return (request, calls) => {
    refused ??= request.messageIds.find((id) => id.includes(kind)) ?? null;
    return refused !== null && request.messageIds.includes(refused) ? quoting(400)(request, calls) : null;
  };
}

const SEVERAL: readonly FaultScript[] = [
  quoting(500),
  quoting(429),
  () => ({ tag: 'reset' }),
  (_request, calls) => ({ tag: 'truncate', status: 200, body: JSON.stringify(calls) }),
  () => ({ tag: 'hang' }),
];

function portOf({ log }: RunningProcess): number[] {
  const [, port] = /"port":(\d+).*"serving/.exec(log()) ?? [];
  return port === undefined ? [] : [Number(port)];
}

/** A guest whose names alone are more than an event may hold. */
async function tooMuchOfAGuest(brand: System): Promise<void> {
  await brand.db.sql(`ALTER TABLE loyalty.guest DISABLE TRIGGER mark`);
  await brand.db.sql(
    `WITH someone AS (SELECT min(user_id) AS id FROM loyalty.guest WHERE status = 'ACTIVE' AND merchant_id = 777777)
     UPDATE loyalty.guest g SET last_name = repeat(g.last_name, 4000) FROM someone WHERE g.user_id = someone.id`,
  );
  await brand.db.sql(`ALTER TABLE loyalty.guest ENABLE TRIGGER mark`);
  await brand.db.sql(
    `INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, store_id, transaction_type, result, origin, pos_transaction_id, pos_transaction_at)
     SELECT 8800000000001, 777777, a.account_id, s.store_id, 'ADD_REDEEM', 'AUTHORIZED', 'POS', 'much', now()
     FROM loyalty.account a, (SELECT min(store_id) AS store_id FROM loyalty.store WHERE store_kind = 'RETAIL') s
     WHERE a.user_id = (SELECT min(user_id) FROM loyalty.guest WHERE status = 'ACTIVE' AND merchant_id = 777777) LIMIT 1`,
  );
}

/** More rows in one transaction than may be held in memory, of which none is an event. */
async function largeTransaction(brand: System): Promise<void> {
  await brand.db.sql(
    `INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, transaction_type, result, origin, import_batch_id)
     SELECT 8700000000000 + n, 777777, (SELECT min(account_id) FROM loyalty.account), 'WALLET_ADJUSTMENT', 'AUTHORIZED', 'IMPORT', 1
     FROM generate_series(1, 15000) n`,
  );
}

/** The database refuses what the connector writes of a guest, in words that quote the guest. */
async function refusingDatabase(brand: System): Promise<void> {
  await brand.db.sql(`
    CREATE FUNCTION personal.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      guest loyalty.guest;
    BEGIN
      SELECT * INTO guest FROM loyalty.guest WHERE user_id = NEW.guest_id::bigint;
      RAISE NOTICE 'refusing %', guest;
      -- invalid input syntax for type integer: "<the name>"
      PERFORM guest.first_name::int;
      RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON segment_connector.suppressed_guest FOR EACH ROW EXECUTE FUNCTION personal.refuse()`);
}

async function forgetSomebody(brand: System): Promise<void> {
  await brand.db.sql(
    `UPDATE loyalty.guest SET status = 'ANONYMIZED' WHERE user_id =
      (SELECT max(user_id) FROM loyalty.guest WHERE status = 'ACTIVE' AND merchant_id = 777777)`,
  );
}

test('nothing of a person stands in logs, metrics, probes, status, statements, or names of keys, jobs and files, whatever goes wrong', async () => {
  await using brand = await system({ seed: 71, setUp: false, guests: 60, ratePerSecond: 80 });
  await markPersonalData(brand.db);
  await brand.setUp();
  await using hidden = await startReceiver({ writeKeys: ['wk_hidden'], limitPerSecond: null });
  const receivers: Receiver[] = [];
  const still: string[] = [];
  for (const [name, status] of Object.entries(STANDING_STILL)) {
    const receiver = await startReceiver({ writeKeys: [`wk_${name}`] });
    receivers.push(receiver);
    receiver.respondWith(quoting(status));
    still.push(
      `  - { name: ${name}, merchant_id: 777777, write_key: wk_${name}, host: "${receiver.url}", events: [POS Activity] }`,
    );
  }
  const client = connectRedis({
    settings: { url: brand.redis.url, tls: null },
    use: 'worker',
    onError: () => undefined,
  });
  const directory = await mkdtemp(join(tmpdir(), 'nothing-personal-'));
  try {
    const file = join(directory, 'connector.yaml');
    await writeFile(
      file,
      `
log_level: trace
transaction_memory: 1MiB
suppression_file: ${join(directory, 'guests')}
sources:
  - { name: whole, merchant_id: 777777, write_key: test-write-key, user_id: printed_card_number, request_timeout: 500ms }
  - name: hidden
    merchant_id: 777777
    write_key: wk_hidden
    host: ${hidden.url}
    user_id: external_account_code
    card_number: HASHED
    card_number_hash_key: sixteen characters
    survey_answers: on
${still.join('\n')}
`,
    );
    await writeFile(join(directory, 'guests'), '# nobody yet\n');
    const env = { CONFIG_FILE: file, SEGMENT_WRITE_KEY: '', LOG_LEVEL: '' };
    const processes: RunningProcess[] = [];
    const started = (): RunningProcess => {
      const connector = brand.run('all', env);
      processes.push(connector);
      return connector;
    };
    await using watched = new Watched({
      db: brand.db,
      redis: client,
      spillDir: brand.env['SPILL_DIR'] ?? '',
      ports: () => processes.flatMap(portOf),
    });
    /** What a command says, with what it logs. */
    const told = async (...argv: string[]): Promise<void> => {
      const command = brand.command(argv, env);
      await eventually(
        () => command.child.exitCode !== null,
        () => `${argv.join(' ')}: ${command.log()}`,
        60_000,
      );
      watched.add(argv.join(' '), command.log());
    };

    const first = started();
    await first.logged('capture is streaming');
    const lettersOf = async (source: string): Promise<readonly DeadLetter[]> => {
      const letters = new DeadLetters(source, { client, prefix: 'paytronix', onError: () => undefined });
      const found = await letters.list({ limit: 1_000 });
      await letters.close();
      return found;
    };
    const isRefused = async (): Promise<boolean> =>
      (await lettersOf('whole')).some(({ reason }) => reason === 'refused');
    brand.receiver.respondWith(poison('-pos_activity-'));
    do await brand.business(1);
    while (!(await isRefused()));
    for (const fault of [poison('-identify-'), ...SEVERAL]) {
      brand.receiver.respondWith(fault);
      await brand.business(1);
    }
    await told('status');
    await first.logged('ALL_REFUSED');
    await first.logged('SOURCE_REFUSED');
    await told('status', '--json');
    brand.receiver.respondWith(null);
    await tooMuchOfAGuest(brand);
    await first.logged('too_large');
    await largeTransaction(brand);
    // A job is in hand, and Redis refuses every command that goes with it.
    brand.receiver.respondWith(quoting(503));
    await brand.business(1);
    const { used } = /used_memory:(?<used>\d+)/.exec(await client.info('memory'))?.groups ?? {};
    await client.config('SET', 'maxmemory', Math.floor(Number(used) * 0.9));
    await brand.business(2);
    await first.logged('OOM command not allowed');
    await client.config('SET', 'maxmemory', 0);
    // Connections broken in the middle of work.
    await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await brand.db.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'paytronix%'`,
    );
    await brand.business(1);
    await writeFile(join(directory, 'guests'), Buffer.from('no text\0'));
    await first.logged('the suppression list cannot be read');

    await refusingDatabase(brand);
    await forgetSomebody(brand);
    await eventually(
      () => first.child.exitCode !== null,
      () => `the end: ${first.log().slice(-5_000)}`,
    );
    expect(first.child.exitCode).toBe(70);
    await brand.db.sql('DROP TRIGGER refuse ON segment_connector.suppressed_guest');
    await writeFile(join(directory, 'guests'), '# nobody\n');
    brand.receiver.respondWith(null);

    const second = started();
    await second.logged('capture is streaming');
    await brand.business(2);
    const reasons = new Set((await lettersOf('whole')).map(({ reason }) => reason));
    const hiddenLetters = JSON.stringify(await lettersOf('hidden'));
    expect(hiddenLetters).toContain('too_large');
    for (const argv of [
      ['check'],
      ['status'],
      ['reconcile', '--source', 'whole', '--json'],
      ['reconcile', '--source', 'hidden'],
      ['replay', '--source', 'hidden', '--from', '1m', '--dry-run'],
      ['backfill', '--source', 'hidden', '--event', 'all', '--since', '1m', '--dry-run'],
    ])
      await told(...argv);
    await second.end('SIGTERM');

    for (const [index, { log }] of processes.entries()) watched.add(`log ${index + 1}`, log());
    for (const { path, method } of [hidden, ...receivers].flatMap(({ requests }) => requests))
      watched.add('requests', `${method} ${path}`);
    const values = await personalValues(brand.db);

    // It was there to be found: sent, refused, and of every kind.
    expect(new Set(values.map(({ what }) => what)).size).toBeGreaterThanOrEqual(17);
    expect(values.filter(({ value }) => value.length < 4)).toEqual([]);
    const sent = new Map([['sent', JSON.stringify(hidden.events.map(({ call }) => call))]]);
    expect(tracesOf(values, sent).length).toBeGreaterThan(0);
    // Where numbers are hashed, none stands in what is sent or set aside.
    const numbers = values.filter(({ what }) => what === 'loyalty.card.printed_card_number');
    expect(numbers.length).toBeGreaterThan(0);
    expect(tracesOf(numbers, new Map([...sent, ['letters', hiddenLetters]]))).toEqual([]);
    expect(reasons).toEqual(new Set(['refused', 'too_large']));
    expect([...watched.places.keys()].toSorted()).toEqual(
      expect.arrayContaining([
        '/livez',
        '/metrics',
        '/readyz',
        'jobs',
        'redis keys',
        'requests',
        'spill files',
        'statements',
      ]),
    );
    expect(tracesOf(values, watched.places)).toEqual([]);
  } finally {
    await closeRedis(client);
    for (const receiver of receivers) await receiver.close();
    await rm(directory, { recursive: true });
  }
}, 400_000);
