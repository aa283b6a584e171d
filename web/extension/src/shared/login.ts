/** Logging in under a mere name, where a server in development mode offers that. */

import { Mistake } from "./server.ts";

/** What the server gave. */
export interface Login {
  token: string;
  userId: string;
  sessionId: string;
}

/** The demo login of the dashboard, and that of a server without one. */
const PATHS = ["/dashboard/login", "/api/token"];

/** Log in to a server that runs with `--dev`, into a session if one is named. Throws Mistake. */
export async function demoLogin(server: string, userId: string, sessionId: string): Promise<Login> {
  for (const path of PATHS) {
    let answer: Response;
    try {
      answer = await fetch(server + path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ userId, ...(sessionId && { sessionId }) }),
        credentials: "omit",
      });
    } catch {
      throw new Mistake(`There is no server at ${server}.`);
    }
    if (answer.status === 404 || answer.status === 405) continue;
    if (answer.status === 403) {
      throw new Mistake(`The server does not let this extension in: its ALLOWED_ORIGINS must name ${location.origin}.`);
    }
    const given = (await answer.json().catch(() => ({}))) as Partial<Login> & { error?: { message?: string } };
    if (answer.ok && given.token && given.userId && given.sessionId) return given as Login;
    throw new Mistake(`The server gave no token: ${given.error?.message ?? answer.status}.`);
  }
  throw new Mistake("This server has no demo login: it does not run with --dev. Put in a token instead.");
}
