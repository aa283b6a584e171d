/** Where tokens come from: a fixed one, or a provider that is asked for the first and for every new one. */

import type { Auth } from "./config.ts";
import { BonsaiError } from "./errors.ts";

/** Refusals in a row after which more tokens are not tried. */
const MAX_REFUSALS = 3;
/** A token that expires so soon is not worth connecting with, in milliseconds. */
const MARGIN = 2000;
/** How long a provider may take, in milliseconds. */
const TIMEOUT = 10_000;

export class Tokens {
  #token: string | undefined;
  #expiresAt: number | undefined;
  #refused: string | undefined;
  /** How often in a row the server refused. */
  refusals = 0;
  readonly #provider: Auth["tokenProvider"];

  constructor(auth: Auth) {
    this.#provider = auth.tokenProvider;
    this.replace(auth.token, auth.expiresAt);
  }

  /** Whether there is a provider. */
  get canRenew(): boolean {
    return Boolean(this.#provider);
  }

  /** Use this token from now on. */
  replace(token: string | undefined, expiresAt?: number): void {
    this.#token = token;
    this.#expiresAt = expiresAt;
  }

  /** The server took the token, which expires then. */
  accepted(expiresAt: number): void {
    this.#expiresAt = expiresAt;
    this.#refused = undefined;
    this.refusals = 0;
  }

  /** The server said 4401. Returns why no other can be tried, or undefined. */
  refuse(): string | undefined {
    if (!this.#provider) return "there is no tokenProvider to ask for another token";
    if (++this.refusals >= MAX_REFUSALS) return `the server refused ${this.refusals} tokens in a row`;
    this.#refused = this.#token;
    this.#token = undefined;
    return undefined;
  }

  /** The token to join with, from the provider when there is none that will do. Rejects with what the provider throws. */
  async current(): Promise<string | undefined> {
    const late = this.#expiresAt !== undefined && this.#expiresAt < Date.now() + MARGIN;
    if (!this.#provider || (this.#token && !late)) return this.#token;
    const token = await this.renew();
    if (token === this.#refused) {
      throw new BonsaiError("unauthenticated", "the tokenProvider gave the token that the server has refused");
    }
    return token;
  }

  /** Ask the provider for a token and use it from now on. */
  async renew(): Promise<string> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the tokenProvider took too long")), TIMEOUT);
    });
    try {
      const given = await Promise.race([this.#provider?.(), late]);
      const { token, expiresAt } = typeof given === "object" ? given : { token: given, expiresAt: undefined };
      if (typeof token !== "string" || !token) throw new TypeError("the tokenProvider gave no token");
      this.replace(token, expiresAt);
      return token;
    } finally {
      clearTimeout(timer);
    }
  }
}
