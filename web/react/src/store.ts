/** State outside of React, for `useSyncExternalStore`. */

export class Store<T> {
  #state: T;
  readonly #initial: T;
  readonly #listeners = new Set<() => void>();

  constructor(initial: T) {
    this.#state = initial;
    this.#initial = initial;
  }

  get = (): T => this.#state;

  /** What is rendered on a server, and first in the browser: nothing is known there. */
  initial = (): T => this.#initial;

  set(changes: Partial<T>): void {
    this.#state = { ...this.#state, ...changes };
    for (const listener of [...this.#listeners]) listener();
  }

  /** Resolves with the first state that passes the check. */
  when(check: (state: T) => boolean): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!check(this.#state)) return;
        stop();
        resolve(this.#state);
      };
      const stop = this.subscribe(look);
      look();
    });
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
