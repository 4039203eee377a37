interface WantedPackage {
  readonly version?: string;
  readonly optional?: boolean;
}
interface Packages<T> {
  readonly packages: Readonly<Record<string, T>>;
}

export function nodeIsTooOld(version: string): boolean;
export function needsInstall(
  wanted: Packages<WantedPackage>,
  installed: Packages<{ readonly version?: string }> | null,
): boolean;
export function redisAdvice(platform: string): string;
