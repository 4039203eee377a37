import { isIP } from 'node:net';

import { Agent, request } from 'undici';

import type { DeliverySettings } from '../config/source.js';
import { toError } from '../errors/connector-error.js';
import { failure, ok, warning, type Finding } from '../preflight/finding.js';

export interface CheckSegmentOptions {
  /** Null without a write key. */
  readonly delivery: DeliverySettings | null;
  /** Default 5,000. */
  readonly timeoutMs?: number;
}

/**
 * Whether events could be delivered, as far as can be told without sending one. Segment answers 200 to an unknown write
 * key, so that the key is right is only proven by an event seen in the source's debugger.
 */
export async function checkSegment(options: CheckSegmentOptions): Promise<readonly Finding[]> {
  const { delivery } = options;
  if (delivery === null) {
    return [
      failure(
        'write-key',
        'there is no write key',
        'It names the Segment source that events go to.',
        'export SEGMENT_WRITE_KEY=…, from the settings of the source in Segment, or SEGMENT_WRITE_KEY_FILE',
      ),
    ];
  }
  return [
    judgeKey(delivery),
    judgeScheme(new URL(delivery.host)),
    await reach(delivery.host, options.timeoutMs ?? 5_000),
  ];
}

function judgeKey({ name, writeKey }: DeliverySettings): Finding {
  if (writeKey.trim() !== '') {
    return ok(
      'write-key',
      `source ${name} has a write key; that it is the right one shows in the source's debugger`,
    );
  }
  return failure(
    'write-key',
    `the write key of source ${name} is empty`,
    'Segment answers 200 and drops what comes without a valid key.',
    'export SEGMENT_WRITE_KEY=…, from the settings of the source in Segment, or SEGMENT_WRITE_KEY_FILE',
  );
}

function judgeScheme(host: URL): Finding {
  const id = 'segment-scheme';
  if (host.protocol === 'https:') return ok(id, `${host.host} is spoken to over TLS`);
  if (isLoopback(host.hostname)) return ok(id, `${host.host} is this machine`);
  return warning(
    id,
    `${host.host} is spoken to without TLS`,
    'The write key and the names of guests travel readable for everyone on the way.',
    `SEGMENT_HOST=https://${host.host}`,
  );
}

function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/** Any answer will do: HEAD of the root sends nothing, and proves name, route, TLS and proxy. */
async function reach(host: string, timeoutMs: number): Promise<Finding> {
  const id = 'segment-reachable';
  const name = new URL(host).host;
  // Its own connections, closed at once: a kept-alive one would hold a one-shot command open.
  const dispatcher = new Agent();
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await request(host, { method: 'HEAD', signal, dispatcher });
    await response.body.dump();
    return ok(id, `${name} answers (${response.statusCode})`);
  } catch (error) {
    return failure(
      id,
      `${name} does not answer: ${reasonOf(toError(error))}`,
      'Events wait in the queue until it does.',
      `curl -sv ${host}; check SEGMENT_HOST, name resolution, firewall and proxy.`,
    );
  } finally {
    await dispatcher.destroy();
  }
}

function reasonOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.message;
}
