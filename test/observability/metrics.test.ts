import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/observability/metrics.js';

const alone = { process: false };

describe('createMetrics', () => {
  it('keeps the numbers of two connectors in one process apart', async () => {
    const [one, other] = [createMetrics(alone), createMetrics(alone)];
    one.transactions.inc(3);
    expect((await one.render()).body).toMatch(/^paytronix_segment_transactions_total 3$/m);
    expect((await other.render()).body).toMatch(/^paytronix_segment_transactions_total 0$/m);
  });

  it('shows the slot in one state at a time', async () => {
    const metrics = createMetrics(alone);
    metrics.setWalStatus('reserved');
    metrics.setWalStatus('lost');
    const { body } = await metrics.render();
    expect(body.match(/slot_wal_status\{status="\w+"\} 1/g)).toEqual(['slot_wal_status{status="lost"} 1']);
  });

  it('names and documents every series by the Prometheus conventions', async () => {
    const { body } = await createMetrics(alone).render();
    const types = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({
      name,
      type,
    }));
    const helps = [...body.matchAll(/^# HELP (\S+) (.+)$/gm)];
    expect(types.length).toBeGreaterThan(20);
    expect(helps).toHaveLength(types.length);
    for (const [, name, help] of helps) expect(help, name).toMatch(/^.{15,}\.$/);
    for (const { name, type } of types) {
      expect(name).toMatch(/^paytronix_segment_[a-z_]+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name).not.toMatch(/_ms$|_millis|_kb$|_minutes/);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    }
  });

  it('refreshes what is read before each scrape, and one read that fails does not spoil it', async () => {
    const metrics = createMetrics(alone);
    let depth = 4;
    metrics.beforeScrape(() => Promise.reject(new Error('redis is gone')));
    metrics.beforeScrape(() => {
      metrics.queueJobs.set({ source: 'default', lane: '0' }, depth);
      depth += 1;
      return Promise.resolve();
    });
    await metrics.render();
    expect((await metrics.render()).body).toContain(
      'paytronix_segment_queue_jobs{source="default",lane="0"} 5',
    );
  });

  it('answers although a read hangs', async () => {
    const metrics = createMetrics({ ...alone, readTimeoutMs: 20 });
    metrics.beforeScrape(() => new Promise(() => undefined));
    expect((await metrics.render()).body).toContain('paytronix_segment_rows_total 0');
  });

  it('adds the process’s own metrics unless told otherwise', async () => {
    expect((await createMetrics().render()).body).toContain('process_resident_memory_bytes');
    expect((await createMetrics(alone).render()).body).not.toContain('process_resident_memory_bytes');
  });
});
