/** Who is signed in: by the demo login, a host application, or a token in the address. Never keeps a token longer than the tab. */

import type { ClientConfig, Token } from "@bonsai/client";
import { claimsOf, type Invitation } from "./address.ts";
import type { Host } from "./host.ts";
import { type DemoRequest, demoLogin, type PageConfig } from "./server.ts";

/** Someone who is signed in. */
export interface Session {
  userId: string;
  sessionId: string;
  roles: string[];
  /** Signed in by the demo login. */
  dev: boolean;
  config: ClientConfig;
}

/** Somebody looks at this page: it comes back sooner than a client in the background would, in milliseconds. */
const MAX_DELAY = 6000;

const DEMO = "bonsai.demo";
const TAB = "bonsai.token";

/** Sign in without asking anybody, if that is possible: as invited, by the host, or as the last time. */
export async function signInAlone(
  { dev }: PageConfig,
  invitation: Invitation | undefined,
  host: Host | undefined,
): Promise<Session | undefined> {
  const given = invitation?.token ?? (invitation ? undefined : sessionStorage.getItem(TAB));
  if (given) return byToken(given, invitation?.session, host);
  if (dev) {
    const last = remembered();
    const { as = last?.userId, session, roles } = invitation ?? {};
    const same = as === last?.userId;
    if (as) {
      return byDemo({
        userId: as,
        sessionId: session ?? (same ? last?.sessionId : undefined),
        roles: roles ?? (same ? last?.roles : undefined),
      });
    }
  }
  return host && !dev ? byHost(host, invitation?.session) : undefined;
}

/** Sign in by the demo login; remembered for the next time, without the token. */
export async function byDemo(request: DemoRequest): Promise<Session> {
  const first = await demoLogin(request);
  const { userId, sessionId } = first;
  const roles = claimsOf(first.token)?.roles ?? [];
  localStorage.setItem(DEMO, JSON.stringify({ userId, sessionId, roles }));
  const renew = async (): Promise<Token> => demoLogin({ userId, sessionId, roles });
  return { userId, sessionId, roles, dev: true, config: configOf(userId, sessionId, first, renew) };
}

/** Forget who was signed in. */
export function signOut(): void {
  localStorage.removeItem(DEMO);
  sessionStorage.removeItem(TAB);
}

function byToken(token: string, wanted: string | undefined, host: Host | undefined): Session | undefined {
  const claims = claimsOf(token);
  if (!claims || (claims.expiresAt ?? Infinity) < Date.now()) {
    sessionStorage.removeItem(TAB);
    return undefined;
  }
  sessionStorage.setItem(TAB, token); // for a reload of this tab, which has no other way to get it back
  const renew = async (): Promise<Token> => {
    if (!host) throw new Error("the token has expired; open the page anew from where you came");
    return host.renew();
  };
  const { sub: userId, roles, expiresAt } = claims;
  const sessionId = wanted ?? claims.sid ?? sessionOf(userId);
  return {
    userId,
    sessionId,
    roles,
    dev: false,
    config: configOf(userId, sessionId, { token, ...(expiresAt && { expiresAt }) }, renew),
  };
}

async function byHost(host: Host, wanted: string | undefined): Promise<Session | undefined> {
  const { sessionId: named, ...first } = await host.greet();
  const claims = claimsOf(first.token);
  if (!claims) throw new Error("the host application gave something that is no token");
  const { sub: userId, roles } = claims;
  const sessionId = named ?? claims.sid ?? wanted ?? sessionOf(userId);
  return { userId, sessionId, roles, dev: false, config: configOf(userId, sessionId, first, () => host.renew()) };
}

function configOf(userId: string, sessionId: string, first: Token, renew: () => Promise<Token>): ClientConfig {
  let unused: Token | undefined = first;
  const tokenProvider = (): Token | Promise<Token> => {
    const token = unused ?? renew();
    unused = undefined;
    return token;
  };
  return {
    url: "ws",
    auth: { userId, sessionId, tokenProvider },
    queue: { persist: true },
    reconnect: { maxDelay: MAX_DELAY },
    device: { kind: "web", name: deviceName() },
  };
}

/** The session of a user's pages in this browser, where nobody else names one. */
function sessionOf(userId: string): string {
  const key = `bonsai.session.${userId}`;
  const known = localStorage.getItem(key) ?? crypto.randomUUID();
  localStorage.setItem(key, known);
  return known;
}

function remembered(): { userId: string; sessionId: string; roles: string[] } | undefined {
  try {
    return JSON.parse(localStorage.getItem(DEMO) ?? "") ?? undefined;
  } catch {
    return undefined;
  }
}

/** As other devices see this one. */
function deviceName(): string {
  const { userAgent } = navigator;
  const system = /Android|iPhone|iPad|Windows|Mac OS|CrOS|Linux/.exec(userAgent)?.[0] ?? "";
  const browser = /Edg|Firefox|Chrome|Safari/.exec(userAgent)?.[0] ?? "Browser";
  return `${browser.replace("Edg", "Edge")}${system && ` on ${system.replace("Mac OS", "Mac")}`}`;
}
