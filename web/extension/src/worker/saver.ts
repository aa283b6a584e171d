/** Saves something that changes often: not more often than it is worth, never twice at a time, and never an old state last. */

/** Least time between two saves, in milliseconds. */
const PAUSE = 60;

export class Saver {
  readonly #save: () => Promise<void>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last: Promise<void> = Promise.resolve();

  /** @param save takes the state as it is when called. */
  constructor(save: () => Promise<void>) {
    this.#save = save;
  }

  /** Save, a moment from now at the latest. */
  soon(): void {
    this.#timer ??= setTimeout(() => void this.now(), PAUSE);
  }

  /** Save; resolves once that is done. */
  now(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#last = this.#last.then(this.#save).catch((error) => console.error("could not be kept:", error));
    return this.#last;
  }
}
