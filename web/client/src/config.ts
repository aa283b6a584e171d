/** What a client is told when it is made. Times are in milliseconds. */

import type { Position } from "./positions.ts";

/** A token, and when it expires, if that is known. */
export interface Token {
  token: string;
  /** Milliseconds since the epoch. */
  expiresAt?: number;
}

/**
 * Gives a token: asked for the first one, when the old one is about to expire, and when the server refused it. What it
 * throws is tried again, but a BonsaiError ends the client with its code: `unauthenticated` when nobody is signed in.
 */
export type TokenProvider = () => string | Token | Promise<string | Token>;

/** Who connects. */
export interface Auth {
  /** A JWT. It is sent inside the first frame only: never in the address, never logged, never stored. */
  token?: string | undefined;
  /** Gives tokens instead, and new ones. */
  tokenProvider?: TokenProvider | undefined;
  /** Must equal the token's `sub` when given. */
  userId?: string | undefined;
  /** The session to join; the server chooses when it is left out. */
  sessionId?: string | undefined;
  /** When `token` expires, in milliseconds since the epoch: the provider is asked in time, instead of after a refusal. */
  expiresAt?: number | undefined;
}

/** Exponential backoff with full jitter: each wait is drawn from 0 to `min(maxDelay, delay * 2 ** n)`. */
export interface Reconnect {
  /** Attempts in a row without a join between, before the client gives up. Default: no end. */
  attempts?: number;
  /** Upper bound of the first wait. Default 500. */
  delay?: number;
  /** Upper bound of any wait. Default 30,000. */
  maxDelay?: number;
}

/** How a dead connection is noticed. */
export interface Heartbeat {
  /**
   * A ping is sent when nothing arrived for so long. Default 20,000, or less if the server asks for less: the service
   * worker of an extension is stopped after 30 s without traffic. 0 switches it off.
   */
  interval?: number;
  /** The connection is given up when nothing arrives within this time after a ping. Default: as the server says, or 5000. */
  timeout?: number;
}

/** How fast messages leave: a token bucket, which delays and never refuses. Default: as the server says. */
export interface RateLimit {
  /** Messages that may leave at once. 0: no limit. */
  maxRequests: number;
  /** The time in which so many may leave again. */
  windowMs: number;
}

/** The offline queue: messages that have no final answer yet. */
export interface QueueLimits {
  /** How many. Default 1000. */
  maxMessages?: number;
  /** Their frames and attachments together, in bytes. Default 32 MiB. */
  maxBytes?: number;
  /**
   * Keep them in IndexedDB, so that a tab or extension worker that was killed sends them when it runs again. Needs
   * `auth.userId`: what one user said is never sent as another. A string names the database, for several clients of
   * one user on one origin. Where the browser has no IndexedDB or no Web Locks, the queue is in memory.
   */
  persist?: boolean | string;
}

/** The device, as the session's other devices see it. */
export interface Device {
  /** Stays the same across connections; the server gives one when it is left out. */
  id?: string;
  /** `web`, `mobile`, `extension`... Default `web`. */
  kind?: string;
  /** For people. */
  name?: string;
}

/** Configuration of `createWebSocketClient`. */
export interface ClientConfig {
  /** `wss://host`, or an address relative to the page, such as `/ws`. Without a path it is `/ws`. */
  url: string;
  auth?: Auth;
  reconnect?: Reconnect;
  heartbeat?: Heartbeat;
  rateLimit?: RateLimit;
  queue?: QueueLimits;
  device?: Device;
  /** Where an earlier run of the program was in each room, as `client.positions` told it. */
  resume?: Record<string, Position>;
  /** Log the names and ids of frames, never payloads. A function gets the lines instead of `console.debug`. */
  debug?: boolean | ((line: string) => void);
  /** The WebSocket class, where there is no global one: Node.js before 22. */
  WebSocket?: typeof WebSocket;
}

/** Tell who debugs. */
export function log({ debug }: ClientConfig, line: string): void {
  if (debug) (typeof debug === "function" ? debug : console.debug)(line);
}

/** Checks what only a person can have got wrong. Throws TypeError, RangeError. */
export function checkConfig(config: ClientConfig): void {
  const { reconnect = {}, heartbeat = {}, rateLimit, queue = {}, auth } = config;
  const { delay = 1, maxDelay = delay } = reconnect;
  socketAddress(config.url);
  range("reconnect.delay", delay, delay > 0 && delay <= maxDelay);
  range("reconnect.attempts", reconnect.attempts, !((reconnect.attempts ?? 0) < 0));
  range("heartbeat.interval", heartbeat.interval, !((heartbeat.interval ?? 0) < 0));
  range("heartbeat.timeout", heartbeat.timeout, (heartbeat.timeout ?? 1) > 0);
  range("rateLimit.maxRequests", rateLimit?.maxRequests, (rateLimit?.maxRequests ?? 0) >= 0);
  range("rateLimit.windowMs", rateLimit?.windowMs, (rateLimit?.windowMs ?? 1) > 0);
  range("queue.maxMessages", queue.maxMessages, (queue.maxMessages ?? 1) > 0);
  range("queue.maxBytes", queue.maxBytes, (queue.maxBytes ?? 1) > 0);
  if (queue.persist && !auth?.userId) {
    throw new TypeError("queue.persist needs auth.userId: whose messages are kept?");
  }
}

function range(name: string, value: unknown, ok: boolean): void {
  if (!ok) throw new RangeError(`${name} is out of range: ${value}`);
}

/** The WebSocket address meant by `url`. Throws TypeError when it is none, or carries a secret, which would end up in logs. */
export function socketAddress(url: string): string {
  const address = new URL(url, globalThis.location?.href ?? "http://localhost");
  address.protocol = address.protocol.replace("http", "ws");
  if (!/^wss?:$/.test(address.protocol)) throw new TypeError(`not an address of a server: ${address.protocol}`);
  if (address.username || address.password || /token/i.test(address.search)) {
    throw new TypeError("the address must not carry a token or password: give auth.token");
  }
  if (address.pathname === "/") address.pathname = "/ws";
  address.hash = "";
  return address.href;
}
