/** Who is told of what. */

/** Called with a frame's data, and the frame. */
// biome-ignore lint/suspicious/noExplicitAny: the public methods give listeners their types
export type Listener = (data: any, message: any) => void;

export class Listeners {
  readonly #entries = new Map<string, [listener: Listener, once: boolean][]>();

  /** Call `listener` for `event`, `"*"` for every frame. */
  add(event: string, listener: Listener, once: boolean): void {
    this.#entries.set(event, [...(this.#entries.get(event) ?? []), [listener, once]]);
  }

  /** Stop calling `listener`, or all listeners of the event. */
  remove(event: string, listener?: Listener): void {
    const entries = this.#entries.get(event) ?? [];
    this.#entries.set(event, listener ? entries.filter(([other]) => other !== listener) : []);
  }

  /** Tell the listeners of these names, in the order they came; one that fails does not keep the others from it. */
  tell(names: string[], data: unknown, message?: unknown): boolean {
    let told = false;
    for (const name of names) {
      for (const [listener, once] of this.#entries.get(name) ?? []) {
        if (once) this.remove(name, listener);
        told = true;
        try {
          listener(data, message);
        } catch (error) {
          console.error(`a listener of ${name} failed`, error);
        }
      }
    }
    return told;
  }
}
