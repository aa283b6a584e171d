/** Where the server is, and what a token says. Pure. */

/** What is wrong with what a person has written, in words for them. */
export class Mistake extends Error {}

const LOOPBACK = ["localhost", "127.0.0.1"];

/**
 * The server's address as it is kept, such as `https://live.example.org`. Throws Mistake.
 *
 * Without encryption only this machine is allowed: a token would be readable on the way.
 */
export function serverAddress(written: string): string {
  const text = written.trim();
  if (!text) throw new Mistake("Write the address of the server, such as https://live.example.org.");
  const host = text.split(/[/:]/)[0] ?? "";
  const whole = /^[a-z]+:\/\//i.test(text) ? text : `${LOOPBACK.includes(host) ? "http" : "https"}://${text}`;
  const url = URL.canParse(whole.replace(/^ws/i, "http")) && new URL(whole.replace(/^ws/i, "http"));
  if (!url || !/^https?:$/.test(url.protocol)) throw new Mistake(`“${text}” is no address of a server.`);
  if (url.username || url.password || url.search) {
    throw new Mistake("Leave passwords and everything after a question mark out of the address.");
  }
  if (url.protocol === "http:" && !LOOPBACK.includes(url.hostname)) {
    throw new Mistake("Without https only a server on this computer (localhost) can be used.");
  }
  return url.origin + url.pathname.replace(/\/(ws)?$/, "");
}

/** The WebSocket address of a server. */
export function socketUrl(server: string): string {
  return `${server.replace(/^http/, "ws")}/ws`;
}

/** What a browser must allow for requests to this server: it knows hosts, not ports. */
export function hostPattern(server: string): string {
  const { protocol, hostname } = new URL(server);
  return `${protocol}//${hostname}/*`;
}

/** Whom a token names. */
export interface Claims {
  userId: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** The one session that it is good for, if it is bound to one. */
  sessionId?: string;
}

/** Reads a JWT, without checking its signature, which is the server's work. Throws Mistake. */
export function claimsOf(token: string, now: number): Claims {
  let claims: Record<string, unknown>;
  try {
    const [, body = ""] = token.split(".");
    const bytes = Uint8Array.from(atob(body.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
    claims = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (token.split(".").length !== 3 || typeof claims !== "object" || !claims) throw new TypeError();
  } catch {
    throw new Mistake("This is no token. A token has three parts with dots between them.");
  }
  const { sub, exp, sid } = claims;
  if (typeof sub !== "string" || !sub || typeof exp !== "number") {
    throw new Mistake("This token does not say whose it is, or until when (the claims sub and exp).");
  }
  if (exp * 1000 <= now) throw new Mistake("This token has expired. Ask for a new one.");
  return { userId: sub, expiresAt: exp * 1000, ...(typeof sid === "string" && { sessionId: sid }) };
}

/** The address of a web page as it is told: no password, no fragment; nothing of what is no web page. */
export function pageAddress(url: string | undefined): string {
  if (!url || !URL.canParse(url)) return "";
  const address = new URL(url);
  if (!/^https?:$/.test(address.protocol)) return "";
  address.username = address.password = address.hash = "";
  return address.href.length > 2048 ? address.origin : address.href;
}
