/** Tokens from a host application: the page that frames this one, or that opened it. */

import type { Token } from "@bonsai/client";

/** What a host hands in. */
export interface Handed extends Token {
  userId?: string | undefined;
  sessionId?: string | undefined;
}

/** How long a host may take, in milliseconds. */
const PATIENCE = 10_000;

export class Host {
  readonly #window: Window;
  readonly #origins: ReadonlySet<string>;
  #waiting: ((handed: Handed) => void)[] = [];

  private constructor(window: Window, origins: readonly string[]) {
    this.#window = window;
    this.#origins = new Set(origins);
    addEventListener("message", (event) => this.#take(event));
  }

  /** The host of this page; undefined when it stands alone. */
  static find(hosts: readonly string[]): Host | undefined {
    const host = window.parent !== window ? window.parent : (window.opener as Window | null);
    return host ? new Host(host, [location.origin, ...hosts]) : undefined;
  }

  /** Tells the host that the page is there, and waits for the first token. */
  greet(): Promise<Handed> {
    return this.#ask("bonsai:ready");
  }

  /** Asks for another token. */
  renew(): Promise<Handed> {
    return this.#ask("bonsai:token-wanted");
  }

  #ask(type: string): Promise<Handed> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("the host application gave no token")), PATIENCE);
      this.#waiting.push((handed) => {
        clearTimeout(timer);
        resolve(handed);
      });
      // No secret in it, so any origin may hear it: which of the hosts it is, cannot be known here.
      this.#window.postMessage({ type }, "*");
    });
  }

  #take({ source, origin, data }: MessageEvent): void {
    if (source !== this.#window || !this.#origins.has(origin) || data?.type !== "bonsai:token") return;
    if (typeof data.token !== "string" || !data.token) return;
    const { token, userId, sessionId, expiresAt } = data;
    for (const resolve of this.#waiting.splice(0)) resolve({ token, userId, sessionId, expiresAt });
  }
}
