/** The plugin's own requests: how the page may sign in, and the demo login of development. */

/** `GET dashboard/config`. */
export interface PageConfig {
  /** There is a demo login. */
  dev: boolean;
  /** Origins that may hand in tokens. */
  hosts: string[];
}

/** What the demo login answers. */
export interface DemoLogin {
  token: string;
  userId: string;
  sessionId: string;
  expiresAt: number;
}

/** Who wants to be signed in. */
export interface DemoRequest {
  userId?: string | undefined;
  sessionId?: string | undefined;
  roles?: string[] | undefined;
}

/** How the page may sign in. */
export async function pageConfig(): Promise<PageConfig> {
  return (await fetch("dashboard/config", { cache: "no-store" })).json();
}

/** Signs in, in development. Rejects with what the server says. */
export async function demoLogin(request: DemoRequest): Promise<DemoLogin> {
  const answer = await fetch("dashboard/login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
  const body = await answer.json().catch(() => undefined);
  if (answer.ok && body?.token) return body;
  throw new Error(body?.error?.message ?? `the login failed: HTTP ${answer.status}`);
}
