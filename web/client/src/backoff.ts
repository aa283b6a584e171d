/**
 * When to try again: full-jitter exponential backoff, close codes and the delays in their reasons, a token bucket for
 * sending. Pure: time is an argument. All times are in milliseconds.
 */

import type { RateLimit, Reconnect } from "./config.ts";

/** A connection that stayed joined for so long starts the backoff over. */
export const STABLE_AFTER = 5000;
/** Longest delay accepted from a server: a typo there must not silence a client for a day. */
const MAX_HINT = 300_000;

/**
 * The waits between attempts. Two counts, since they answer different questions: `tries` (in a row without a join)
 * decides when to give up; the exponent also rises when connections join and drop at once, so that a server which
 * accepts and then fails is not hammered.
 *
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export class Backoff {
  tries = 0;
  exponent = 0;
  readonly #options: Reconnect;

  constructor(options: Reconnect = {}) {
    this.#options = options;
  }

  /** The wait before the next attempt, with the server's own delay `hint` waited in full; undefined when none is left. */
  next(hint = 0): number | undefined {
    const { attempts = Infinity, delay = 500, maxDelay = Math.max(delay, 30_000) } = this.#options;
    if (this.tries++ >= attempts) return undefined;
    return hint + Math.random() * Math.min(maxDelay, delay * 2 ** this.exponent++);
  }
}

/** How long to wait before a message that was refused for now, for the `attempt`-th time from 0, is sent again. */
export function retryDelay(attempt: number, retryAfterMs?: number): number {
  if (retryAfterMs !== undefined) return retryAfterMs * (1 + Math.random() / 4);
  return Math.min(10_000, 200 * 2 ** attempt) * (0.5 + Math.random() / 2);
}

/** What a closed connection asks of the client. */
export type Verdict = "stop" | "refresh" | "reconnect";

/** The protocol's table of close codes. Unknown ones, and no code at all (1005, 1006), mean reconnect. */
export function judgeClose(code: number): Verdict {
  if (code === 4401) return "refresh";
  return [1000, 1002, 1003, 1007, 1008, 1009, 4001, 4403].includes(code) ? "stop" : "reconnect";
}

/** The delay that a close reason asks for: its first number, in milliseconds unless an `s` follows. */
export function delayIn(code: number, reason: string): number {
  const found = [1012, 1013, 4429].includes(code) && /(\d+(?:\.\d+)?)\s*(ms|s)?/i.exec(reason);
  if (!found) return 0;
  return Math.min(Number(found[1]) * (/^s$/i.test(found[2] ?? "") ? 1000 : 1), MAX_HINT);
}

/**
 * A token bucket: `maxRequests` at once, refilled evenly over `windowMs`. It outlives reconnects, as the server's count
 * of a user does.
 */
export class Pacer {
  #limit: RateLimit;
  #tokens: number;
  #at: number;
  #heldUntil = 0;

  constructor(limit: RateLimit, now: number) {
    this.#limit = limit;
    this.#tokens = limit.maxRequests;
    this.#at = now;
  }

  /** Follow another limit from now on; what was used stays used. */
  change(limit: RateLimit, now: number): void {
    const used = this.#limit.maxRequests && this.#limit.maxRequests - this.#level(now);
    this.#limit = limit;
    this.#tokens = Math.max(0, limit.maxRequests - used);
  }

  /** How long until a message may leave; 0: now. */
  wait(now: number): number {
    if (now < this.#heldUntil) return this.#heldUntil - now;
    const { maxRequests, windowMs } = this.#limit;
    if (!maxRequests) return 0;
    const missing = 1 - this.#level(now);
    // A wait that was given must suffice in spite of rounding.
    return missing < 1e-9 ? 0 : (missing * windowMs) / maxRequests;
  }

  /** A message leaves. */
  spend(now: number): void {
    this.#tokens = Math.max(0, this.#level(now) - 1);
  }

  /** Send nothing before this time: the server cannot take anything. Returns until when nothing is sent. */
  hold(until: number): number {
    this.#heldUntil = Math.max(this.#heldUntil, until);
    return this.#heldUntil;
  }

  #level(now: number): number {
    const { maxRequests, windowMs } = this.#limit;
    const gained = (Math.max(0, now - this.#at) / windowMs) * maxRequests;
    this.#at = now;
    this.#tokens = Math.min(maxRequests, this.#tokens + gained);
    return this.#tokens;
  }
}
