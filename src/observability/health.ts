/** What the probes answer, as of now. */
export interface HealthState {
  /** False only when restarting the process would help: it has failed and is ending. Waiting for a server is not that. */
  readonly live: boolean;
  /** True while the role's work is being done. A stand-by that waits for the slot is live and not ready. */
  readonly ready: boolean;
  /** Why it is not ready, or what is degraded, in words. Never row values or keys. */
  readonly reasons: readonly string[];
  /** Positions, counts and states worth a look. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}
