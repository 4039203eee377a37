/** What stands below a command's options in its help. */
export const SAME_CONFIGURATION = '\nThe configuration is that of `paytronix-segment run`.';

export const RECONCILE_EXAMPLES = `
Examples:
  reconcile                                               everything since deliveries are counted
  reconcile --since 2d --event "POS Activity" identify
  reconcile --since 2026-07-01T10:00:00Z --until 2026-07-01T11:00:00Z --repair
${SAME_CONFIGURATION}`;

export const REPLAY_EXAMPLES = `
Examples:
  replay --from 2h --dry-run                              what the last two hours would send
  replay --from 2026-07-01T10:00:00Z --to 2026-07-01T11:00:00Z --event "POS Activity" Check-In
  replay --from 16/B374D848 --account 100234              one account, from an exact position
  replay --resume                                         after an interruption
${SAME_CONFIGURATION}`;
