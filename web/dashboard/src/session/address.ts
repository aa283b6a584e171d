/** What a link to the page may carry in its fragment, and what a token says about itself. */

/** From `#token=...&session=...&as=...&roles=...&view=...`. */
export interface Invitation {
  /** A token of the host application. */
  token?: string | undefined;
  /** The session to join: another device's. */
  session?: string | undefined;
  /** In development: who to be. */
  as?: string | undefined;
  /** In development: with which roles. */
  roles?: string[] | undefined;
  /** The route to begin with. */
  view?: string | undefined;
}

/** What a fragment carries; undefined when it is a route. */
export function invitationOf(hash: string): Invitation | undefined {
  if (!/^#(token|session|as)=/.test(hash)) return undefined;
  const given = new URLSearchParams(hash.slice(1));
  const get = (name: string): string | undefined => given.get(name) || undefined;
  const roles = get("roles")?.split(",");
  return { token: get("token"), session: get("session"), as: get("as"), roles, view: get("view") };
}

/** The fragment that brings another device here: `dev` says whether names are enough to sign in. */
export function joinFragment({ userId, sessionId, dev }: { userId: string; sessionId: string; dev: boolean }): string {
  const carried = new URLSearchParams(dev ? { as: userId, session: sessionId } : { session: sessionId });
  return `#${carried}`;
}

/** What the page reads of a token. It is not verified here: the server does that. */
export interface Claims {
  sub: string;
  roles: string[];
  sid?: string | undefined;
  /** Milliseconds since the epoch. */
  expiresAt?: number | undefined;
}

/** The claims of a JWT; undefined when it is none. */
export function claimsOf(token: string): Claims | undefined {
  try {
    const body = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    const { sub, roles, sid, exp } = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof sub !== "string") return undefined;
    return {
      sub,
      roles: Array.isArray(roles) ? roles : ["student"],
      sid: typeof sid === "string" ? sid : undefined,
      expiresAt: typeof exp === "number" ? exp * 1000 : undefined,
    };
  } catch {
    return undefined;
  }
}
