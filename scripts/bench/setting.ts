import type { PostgresServer } from '../../src/demo/postgres-server.js';

/** How large a run is. */
export interface Setting {
  /** 1: the sizes that the goals speak of. */
  readonly scale: number;
  /** How often each throughput is measured, turn by turn with its baseline. */
  readonly rounds: number;
  readonly server: PostgresServer;
  /** What is going on, for whoever waits. */
  readonly say: (line: string) => void;
}

/** `full` at scale 1, an even number, never below `least`: with fewer, starting would be what is measured. */
export function scaled({ scale }: Pick<Setting, 'scale'>, full: number, least: number): number {
  return Math.max(least, 2 * Math.round((full * scale) / 2));
}

export function roundNumbers({ rounds }: Pick<Setting, 'rounds'>): readonly number[] {
  return Array.from({ length: rounds }, (_, round) => round);
}
