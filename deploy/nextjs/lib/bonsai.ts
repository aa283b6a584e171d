/** What the Bonsai server says over HTTP, asked by the Next.js server: for route handlers and server components. */

/** How the server is. */
export interface Health {
  status: "ok" | "unavailable";
  /** Whether it takes connections: false while it drains, or while its store is away. */
  ready: boolean;
  /** `ok`, or why nothing can be stored. */
  store: string;
  draining: boolean;
  node: string;
  uptimeMs: number;
  /** By name; a plugin may add facts of its own. */
  plugins: Record<
    string,
    { status: string; version: string; failures: number; error?: string; [fact: string]: unknown }
  >;
}

/** Connections of the server process that answered. */
export interface Stats {
  connections: number;
  joined: number;
  sessions: number;
  rooms: number;
  /** Since the start of the process. */
  opened: number;
  closed: number;
  /** Bytes that wait for slow readers. */
  outboxBytes: number;
  /** Messages that slow readers lost, since the start. */
  outboxDropped: number;
  uptimeMs: number;
  node: string;
}

/** What may be asked, and the answers. Revoking tokens is not for browsers: it is not forwarded. */
export interface Answers {
  health: Health;
  stats: Stats;
}
export type Action = keyof Answers;

/** Why there is no answer: the server's own error, or `unreachable`. */
export interface Problem {
  error: { code: string; message: string; details?: unknown };
}

/** An answer with its HTTP status. */
export type Outcome<A extends Action> =
  | { ok: true; status: 200; body: Answers[A] }
  | { ok: false; status: number; body: Problem };

/** Longest wait for the server, in milliseconds. */
const TIMEOUT = 5000;

/** Where the server is, as seen from here: `BONSAI_URL`, default http://127.0.0.1:3001. */
export function serverUrl(): URL {
  return new URL(process.env.BONSAI_URL ?? "http://127.0.0.1:3001");
}

/**
 * Ask the server. Never throws: when it cannot be reached, the status is 502, or 504 after 5 s.
 *
 * @param authorization a Bonsai token as `Bearer ...`: `stats` needs the role `admin`, unless the server is in
 *   development mode.
 */
export async function askServer<A extends Action>(action: A, authorization?: string | null): Promise<Outcome<A>> {
  const headers = { "Content-Type": "application/json", ...(authorization && { Authorization: authorization }) };
  try {
    const answer = await fetch(new URL("/api/websocket", serverUrl()), {
      method: "POST",
      headers,
      body: JSON.stringify({ action }),
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    const body = await answer.json();
    return answer.ok ? { ok: true, status: 200, body } : { ok: false, status: answer.status, body };
  } catch (error) {
    const late = error instanceof Error && error.name === "TimeoutError";
    const message = late
      ? "the Bonsai server did not answer in time"
      : "the Bonsai server cannot be reached; see BONSAI_URL";
    return { ok: false, status: late ? 504 : 502, body: { error: { code: "unreachable", message } } };
  }
}
