/** The route handlers for Next.js, called as Next.js calls them, before a real server. */

import { webcrypto } from "node:crypto";
import { createServer } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test, vi } from "vitest";
import * as route from "../../deploy/nextjs/app/api/websocket/route";
import { askServer } from "../../deploy/nextjs/lib/bonsai";
import { LIFETIME, liveTokenHandler, mintToken } from "../../deploy/nextjs/lib/live-token";
import { newClient, newUser, sharedServer } from "../testing/clients.ts";

const server = sharedServer();
const ADDRESS = "http://localhost:3000/api/websocket";

beforeAll(() => {
  if (!globalThis.crypto) vi.stubGlobal("crypto", webcrypto); // Node.js 18
});

afterAll(() => vi.unstubAllGlobals());

beforeEach(() => {
  vi.stubEnv("BONSAI_URL", server.http);
  vi.stubEnv("JWT_SECRET", inject("secret"));
});

function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return route.POST(new Request(ADDRESS, { method: "POST", body: JSON.stringify(body), headers }));
}

describe("/api/websocket", () => {
  test("health, by GET and by POST, is the server's", async () => {
    for (const answer of [await route.GET(new Request(ADDRESS)), await post({ action: "health" })]) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(await answer.json()).toMatchObject({
        status: "ok",
        ready: true,
        plugins: { analytics: { status: "loaded" } },
      });
    }
  });

  test("stats need a token with the role admin, which the server judges", async () => {
    const tokens = [await mintToken({ userId: newUser() }), await mintToken({ userId: newUser(), roles: ["admin"] })];
    const headers = tokens.map(({ token }) => ({ authorization: `Bearer ${token}` }));
    const client = await newClient(server);
    await client.connect();
    const admin = await post({ action: "stats" }, headers[1]);
    expect(admin.status).toBe(200);
    expect((await admin.json()).joined).toBeGreaterThan(0);
    const byGet = await route.GET(new Request(`${ADDRESS}?action=stats`, { headers: headers[1] ?? {} }));
    expect(await byGet.json()).toMatchObject({ connections: expect.any(Number), node: expect.any(String) });
    const forged = await post({ action: "stats" }, { authorization: "Bearer a.forged.token" });
    expect(forged.status).toBe(401);
    expect(await forged.json()).toMatchObject({ error: { code: "unauthenticated" } });
  });

  test.each([[{ action: "revoke", user: "ada" }], [{ action: 7 }], [{}], [null], ["health"]])(
    "%j is refused, and not forwarded",
    async (body) => {
      vi.stubEnv("BONSAI_URL", "http://127.0.0.1:1");
      const answer = await post(body);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: { code: "invalid_payload" } });
    },
  );

  test("a body that is no JSON is refused", async () => {
    expect((await route.POST(new Request(ADDRESS, { method: "POST", body: "{" }))).status).toBe(400);
  });

  test("who wants to connect here is told where to", async () => {
    const answer = await route.GET(new Request(ADDRESS, { headers: { upgrade: "websocket" } }));
    expect(answer.status).toBe(426);
    expect((await answer.json()).error.message).toContain("NEXT_PUBLIC_BONSAI_URL");
  });

  test("a server that cannot be reached is a bad gateway, and its address is not told", async () => {
    vi.stubEnv("BONSAI_URL", "http://127.0.0.1:1");
    const answer = await post({ action: "health" });
    expect(answer.status).toBe(502);
    expect(await answer.text()).not.toContain("127.0.0.1");
  });

  test("a server that does not answer is a gateway that timed out", async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void silent.close());
    vi.stubEnv("BONSAI_URL", `http://127.0.0.1:${(silent.address() as { port: number }).port}`);
    vi.spyOn(AbortSignal, "timeout").mockImplementation(() =>
      AbortSignal.abort(new DOMException("late", "TimeoutError")),
    );
    expect(await askServer("health")).toMatchObject({ ok: false, status: 504 });
    expect(AbortSignal.timeout).toHaveBeenCalledWith(5000);
  });

  test("what the server says has the types that are written down", async () => {
    const [health, stats] = [await askServer("health"), await askServer("stats")];
    if (!health.ok || !stats.ok) throw new Error("no answer");
    const { plugins, ...rest } = health.body;
    expect(kinds(rest)).toEqual({
      status: "string",
      ready: "boolean",
      store: "string",
      draining: "boolean",
      node: "string",
      uptimeMs: "number",
    });
    expect(kinds(plugins.analytics ?? {})).toMatchObject({ status: "string", version: "string", failures: "number" });
    const { node, ...numbers } = stats.body;
    expect(node).toEqual(expect.any(String));
    const names = "closed connections joined opened outboxBytes outboxDropped rooms sessions uptimeMs";
    expect(Object.keys(numbers).sort().join(" ")).toBe(names);
    expect(new Set(Object.values(kinds(numbers)))).toEqual(new Set(["number"]));
  });
});

function kinds(values: object): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value]));
}

describe("/api/live-token", () => {
  const request = (headers = {}): Request =>
    new Request("http://localhost:3000/api/live-token", { method: "POST", headers });
  const handler = liveTokenHandler((asked) => {
    const userId = asked.headers.get("x-signed-in");
    return userId ? { userId } : undefined;
  });

  test("gives a token that the server takes, for who is signed in", async () => {
    const userId = newUser();
    const answer = await handler(request({ "x-signed-in": userId }));
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const given = (await answer.json()) as { token: string; expiresAt: number };
    const client = await newClient(server, { auth: { userId, tokenProvider: () => given } });
    const joined = await client.connect();
    expect(joined.userId).toBe(userId);
    expect(joined.tokenExpiresAt).toBe(given.expiresAt);
    expect(joined.tokenExpiresAt - joined.serverTime).toBeLessThanOrEqual(LIFETIME * 1000);
  });

  test("gives none to who is not", async () => {
    const answer = await handler(request());
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: { code: "unauthenticated" } });
  });

  test("a tutor's token lets them watch their students, and nobody else", async () => {
    const [tutor, student] = [newUser(), newUser()];
    const { token } = await mintToken({ userId: tutor, roles: ["tutor"], students: [student] });
    const client = await newClient(server, { auth: { userId: tutor, token } });
    const watched = await newClient(server, { auth: { userId: student, sessionId: "s1" } });
    await Promise.all([client.connect(), watched.connect()]);
    const watch = (userId: string): Promise<unknown> => client.request("coaching:watch", { userId, sessionId: "s1" });
    await expect(watch(student)).resolves.toBeDefined();
    await expect(watch(newUser())).rejects.toMatchObject({ code: "forbidden" });
  });

  test("each token is another, so that each can be revoked", async () => {
    const [one, two] = [await mintToken({ userId: "ada" }), await mintToken({ userId: "ada" })];
    expect(one.token).not.toBe(two.token);
  });

  test("without a secret it says what is missing", async () => {
    vi.stubEnv("JWT_SECRET", "");
    await expect(mintToken({ userId: "ada" })).rejects.toThrowError(/JWT_SECRET/);
  });
});
