/** An observer that passes everything on to each of the others, in order. Methods nobody has stay absent. */
export function combine<T extends object>(...observers: readonly T[]): T {
  const combined: Record<string, (...args: unknown[]) => void> = {};
  for (const name of new Set(observers.flatMap((observer) => Object.keys(observer)))) {
    const listeners = observers.flatMap((observer) => {
      const listener = (observer as Record<string, unknown>)[name];
      return typeof listener === 'function' ? [listener.bind(observer) as (...args: unknown[]) => void] : [];
    });
    combined[name] = (...args) => {
      for (const listener of listeners) listener(...args);
    };
  }
  return combined as T;
}
