/** One thing that `check` looked at. */
export interface Finding {
  /** Stable name for scripts, for instance `wal-level`. Several findings may share one (one for each table). */
  readonly id: string;
  /** `error`: the connector would not work, or would lose events. `warning`: it works, with a stated limit. */
  readonly level: 'ok' | 'warning' | 'error';
  /** What was found. */
  readonly what: string;
  /** Why it matters; empty when all is well. */
  readonly why: string;
  /** The command or statement that changes it; empty when all is well. */
  readonly fix: string;
}

export function ok(id: string, what: string): Finding {
  return { id, level: 'ok', what, why: '', fix: '' };
}

export function warning(id: string, what: string, why: string, fix: string): Finding {
  return { id, level: 'warning', what, why, fix };
}

export function failure(id: string, what: string, why: string, fix: string): Finding {
  return { id, level: 'error', what, why, fix };
}

/** Whether the connector would work: the exit code of `check`. */
export function wouldWork(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'error');
}
