import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import { systemClock, type Clock } from '../lifecycle/clock.js';
import { ReleaseStack } from '../lifecycle/stack.js';
import { clientConfig, openKnex } from '../postgres/connection.js';
import { migrateReference } from '../postgres/migrate.js';
import { setUp } from '../postgres/setup.js';
import { setUpReplaySlot } from '../replay/setup-replay-slot.js';
import { compareStart } from '../replication/startup.js';
import { Arrivals } from './arrivals.js';
import { doBusiness } from './business.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import { PrivateRedis } from './private-redis.js';
import { startReceiver } from './receiver.js';
import { Screen } from './screen.js';
import { Simulator } from './simulator/simulator.js';
import { startConnector } from './start-connector.js';
import { verify } from './verify.js';

export interface DemoOptions {
  /** How long the brand does business. */
  readonly seconds: number;
  /** Members it has from before. */
  readonly guests: number;
  /** Database commits a second. */
  readonly ratePerSecond: number;
  readonly seed: number;
  /** Deliver to a real source instead of the local receiver. `host` null: Segment's default. */
  readonly toSegment: { readonly writeKey: string; readonly host: string | null } | null;
}

export interface DemoIo {
  readonly out: { write(text: string): unknown };
  readonly isTty: boolean;
  /** On a terminal, unless NO_COLOR is set. */
  readonly colours: boolean;
  /** Default 80. */
  readonly columns?: number | undefined;
  /** Aborts at Ctrl-C: everything is stopped and removed, and nothing is judged. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
}

const LOCAL_WRITE_KEY = 'demo-write-key';
const PUBLICATION = 'segment';
const SLOT = 'segment';

/**
 * The main job on servers of its own: a brand does business in a private PostgreSQL, the connector delivers, and what
 * arrived is compared with what the committed tables imply.
 * @returns the exit code: 1 if anything is missing, extra, wrong or out of order.
 * @throws ConnectorError DEMO_UNAVAILABLE, DEMO_SERVER, or what stopped the connector
 */
export async function runDemo(options: DemoOptions, io: DemoIo): Promise<ExitCode> {
  const screen = new Screen({
    out: io.out,
    isTty: io.isTty,
    colours: io.colours,
    ...(io.columns === undefined ? {} : { columns: io.columns }),
  });
  const releases = new ReleaseStack({
    onFailure: (name, error) => screen.note(`${name} could not be stopped: ${error.message}`),
  });
  try {
    const code = await perform(options, io, screen, releases);
    screen.settle();
    if (code === null) screen.note('Stopped.');
    return code ?? EXIT.OK;
  } finally {
    screen.settle();
    await releases.releaseAll();
  }
}

/** null: stopped by the signal. */
async function perform(
  options: DemoOptions,
  io: DemoIo,
  screen: Screen,
  releases: ReleaseStack,
): Promise<ExitCode | null> {
  const clock = io.clock ?? systemClock;
  screen.heading('paytronix-segment demo');
  screen.note('PostgreSQL and Redis are starting …');
  const [server, redis] = await Promise.all([
    releases.acquire(
      'PostgreSQL',
      () => startEmbeddedPostgres(),
      (started) => started.stop(),
    ),
    releases.acquire(
      'Redis',
      () => PrivateRedis.launch(),
      (started) => started.dispose(),
    ),
  ]);
  if (io.signal.aborted) return null;

  const databaseUrl = server.url();
  const pool = await releases.acquire(
    'connections',
    () => openPool(databaseUrl),
    (opened) => opened.end(),
  );
  const simulator = new Simulator({
    pool,
    guests: options.guests,
    ratePerSecond: options.ratePerSecond,
    seed: options.seed,
    clock,
  });
  await prepare(databaseUrl, () => simulator.open());
  if (io.signal.aborted) return null;

  const arrivals = new Arrivals((call) => screen.event(call));
  const receiver =
    options.toSegment === null
      ? await releases.acquire(
          'receiver',
          () =>
            startReceiver({
              writeKeys: [LOCAL_WRITE_KEY],
              keep: false,
              onEvent: (event) => arrivals.received(event),
            }),
          (started) => started.close(),
        )
      : null;
  const spillDirectory = await releases.acquire(
    'spill directory',
    () => mkdtemp(join(tmpdir(), 'paytronix-segment-demo-')),
    (path) => rm(path, { recursive: true, force: true }),
  );
  const connector = await releases.acquire(
    'connector',
    () =>
      startConnector({
        databaseUrl,
        redisUrl: redis.url,
        publicationName: PUBLICATION,
        slotName: SLOT,
        writeKey: options.toSegment?.writeKey ?? LOCAL_WRITE_KEY,
        segmentHost: receiver?.url ?? options.toSegment?.host ?? null,
        spillDirectory,
        onLog: (line) => screen.note(line),
        onDelivered: (calls, deliveredAtMs) => {
          if (receiver === null) arrivals.answered(calls, deliveredAtMs);
        },
      }),
    (started) => started.stop(),
  );
  if (io.signal.aborted) return null;
  screen.note(
    receiver === null
      ? `Harbor & Hearth is open for ${options.seconds} s. Calls go to Segment.`
      : `Harbor & Hearth is open for ${options.seconds} s. Calls go to a local receiver as strict as Segment: ${receiver.url}`,
  );
  const finished = await doBusiness({
    seconds: options.seconds,
    signal: io.signal,
    screen,
    clock,
    pool,
    simulator,
    connector,
    arrivals,
  });
  if (finished === null) return null;

  const verdict = verify(finished.expected, arrivals.calls);
  screen.verdict(verdict);
  if (receiver === null) {
    screen.note(
      'Received means answered with 200 here: what Segment kept shows in the source’s debugger alone.',
    );
  } else if (receiver.counts.dropped > 0) {
    screen.note(
      `The receiver took ${receiver.counts.dropped} calls with 200 and dropped them, as Segment would.`,
    );
    return EXIT.FAILED;
  }
  return verdict.ok ? EXIT.OK : EXIT.FAILED;
}

function openPool(databaseUrl: string): pg.Pool {
  const pool = new pg.Pool({ ...clientConfig({ url: databaseUrl, applicationName: 'demo brand' }), max: 8 });
  // A connection that ends while idle is replaced; one that ends in use fails the act that used it.
  pool.on('error', () => undefined);
  return pool;
}

/** The loyalty schema, the brand, and then the connector's own set-up: members from before are not news. */
async function prepare(databaseUrl: string, open: () => Promise<void>): Promise<void> {
  const knex = openKnex({ url: databaseUrl });
  try {
    await migrateReference(knex);
    await open();
    await setUp(knex, {
      database: { url: databaseUrl },
      publicationName: PUBLICATION,
      slotName: SLOT,
      compareStart,
      replaySlot: setUpReplaySlot,
    });
  } finally {
    await knex.destroy();
  }
}
