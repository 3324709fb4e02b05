/** A value that components follow. */
import { useEffect, useState } from "preact/hooks";

export interface Store<T> {
  get(): T;
  set(value: T): void;
  follow(listener: () => void): () => void;
}

export function createStore<T>(value: T): Store<T> {
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(value, next)) return;
      value = next;
      for (const listener of listeners) listener();
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useStore<T>(store: Store<T>): T {
  const [, again] = useState<unknown>();
  const shown = store.get();
  useEffect(() => {
    const check = (): void => {
      if (!Object.is(shown, store.get())) again({});
    };
    // It may have changed since it was shown.
    check();
    return store.follow(check);
  }, [store, shown]);
  return shown;
}
