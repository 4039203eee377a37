import { readFileSync } from 'node:fs';

/** Clock ticks a second: USER_HZ, the same on every Linux. */
const TICKS_PER_SECOND = 100;

/** CPU seconds a process has used, user and system; see proc_pid_stat(5). Linux only. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The program's name, in parentheses, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Most memory that a process ever held, MiB: VmHWM of proc_pid_status(5). Linux only. */
export function peakMiB(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}
