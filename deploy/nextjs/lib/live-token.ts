/** Tokens for the Bonsai server, made by the application that knows who is signed in. */

import { SignJWT } from "jose";

/** Whom a token is for. */
export interface Person {
  userId: string;
  /** Default: `student`. */
  roles?: ("student" | "tutor" | "admin")[];
  /** A tutor's students, by their userId. */
  students?: string[];
}

/** How long a token lives, in seconds. The client renews it in place, so it may be short: a sign-out counts after it. */
export const LIFETIME = 15 * 60;

/**
 * A token for this person, and when it expires, in milliseconds since the epoch.
 *
 * `JWT_SECRET` must be the Bonsai server's, of 32 bytes or more; `JWT_AUDIENCE` and `JWT_ISSUER` too, where it has them.
 */
export async function mintToken({ userId, roles, students }: Person): Promise<{ token: string; expiresAt: number }> {
  const { JWT_SECRET, JWT_AUDIENCE, JWT_ISSUER } = process.env;
  if (!JWT_SECRET) throw new Error("JWT_SECRET is not set");
  const now = Math.floor(Date.now() / 1000);
  const jwt = new SignJWT({ ...(roles && { roles }), ...(students && { students }) })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setJti(crypto.randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + LIFETIME);
  if (JWT_AUDIENCE) jwt.setAudience(JWT_AUDIENCE);
  if (JWT_ISSUER) jwt.setIssuer(JWT_ISSUER);
  return { token: await jwt.sign(new TextEncoder().encode(JWT_SECRET)), expiresAt: (now + LIFETIME) * 1000 };
}

/**
 * A route handler that gives tokens to who is signed in, and 401 to who is not.
 *
 * @param signedIn who sent a request, by the application's own session; undefined when nobody is signed in.
 */
export function liveTokenHandler(
  signedIn: (request: Request) => Person | undefined | Promise<Person | undefined>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const headers = { "Cache-Control": "no-store" };
    const person = await signedIn(request);
    if (!person) {
      const error = { code: "unauthenticated", message: "nobody is signed in" };
      return Response.json({ error }, { status: 401, headers });
    }
    return Response.json(await mintToken(person), { headers });
  };
}
