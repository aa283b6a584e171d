/** Tokens: given, renewed in place, refused, of somebody else. */

import { BonsaiError } from "@bonsai/client";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { newClient, newUser, until } from "../../testing/clients.ts";
import { BonsaiServer } from "../../testing/server.ts";
import { PLUGINS_DIR } from "../../testing/setup.ts";

let server: BonsaiServer;

beforeAll(async () => {
  server = await BonsaiServer.start({
    plugins: "probe",
    pluginsDir: PLUGINS_DIR,
    env: { BONSAI_TOKEN_EXPIRING_S: "4", BONSAI_TOKEN_GRACE_S: "0" },
  });
});

afterAll(() => server.stop());

describe("with a tokenProvider", () => {
  test("a token that is about to expire is renewed in place", async () => {
    const userId = newUser();
    const provider = vi.fn(() => server.token({ userId, ttlSeconds: provider.mock.calls.length > 1 ? 3600 : 5 }));
    const client = await newClient(server, { auth: { userId, tokenProvider: provider } });
    const states: string[] = [];
    client.on("status", ({ state }) => states.push(state));
    const { tokenExpiresAt } = await client.connect();
    await until(() => provider.mock.calls.length === 2);
    await until(() => Date.now() > tokenExpiresAt + 200);
    expect(await client.request("probe:count", { key: "k" })).toEqual({ key: "k", count: 1 });
    expect(new Set(states)).toEqual(new Set(["connecting", "joined"]));
  });

  test("a token that has expired before it is used is not tried", async () => {
    const userId = newUser();
    const provider = vi.fn(() => server.token({ userId }));
    const auth = { userId, token: "expired", expiresAt: Date.now() - 1000, tokenProvider: provider };
    const client = await newClient(server, { auth });
    await client.connect();
    expect(provider).toHaveBeenCalledTimes(1);
  });

  test("a refused token is replaced at once, and nothing that was queued is lost", async () => {
    const userId = newUser();
    const provider = vi.fn(async () => ({ token: await server.token({ userId }), expiresAt: Date.now() + 3600_000 }));
    const client = await newClient(server, { auth: { userId, token: "refused", tokenProvider: provider } });
    const answer = client.request("probe:count", { key: "k" });
    await client.connect();
    expect(await answer).toEqual({ key: "k", count: 1 });
    expect(provider).toHaveBeenCalledTimes(1);
  });

  test("the same refused token again is the end", async () => {
    const provider = vi.fn(() => "refused");
    const client = await newClient(server, { auth: { userId: newUser(), tokenProvider: provider } });
    await expect(client.connect()).rejects.toMatchObject({ code: "unauthenticated" });
    expect(client.state).toBe("closed");
    expect(provider).toHaveBeenCalledTimes(2);
  });

  test("three refused tokens in a row are the end", async () => {
    let number = 0;
    const provider = vi.fn(() => `refused ${++number}`);
    const client = await newClient(server, { auth: { userId: newUser(), tokenProvider: provider } });
    await expect(client.connect()).rejects.toMatchObject({ code: "unauthenticated", closeCode: 4401 });
    expect(provider).toHaveBeenCalledTimes(3);
  });

  test("a provider that fails is asked again", async () => {
    const userId = newUser();
    const provider = vi.fn(() => {
      if (provider.mock.calls.length < 3) throw new Error("secret in a message");
      return server.token({ userId });
    });
    const client = await newClient(server, { auth: { userId, tokenProvider: provider } });
    const errors: string[] = [];
    client.on("error", (error) => errors.push(error.message));
    await client.connect();
    expect(provider).toHaveBeenCalledTimes(3);
    expect(errors.join()).not.toContain("secret");
  });
});

describe("a tokenProvider of somebody who has signed out", () => {
  test("ends the client with the code that it throws", async () => {
    const provider = vi.fn(() => Promise.reject(new BonsaiError("unauthenticated", "nobody is signed in")));
    const client = await newClient(server, { auth: { userId: newUser(), tokenProvider: provider } });
    await expect(client.connect()).rejects.toMatchObject({ code: "unauthenticated", message: "nobody is signed in" });
    expect(client.state).toBe("closed");
    expect(provider).toHaveBeenCalledTimes(1);
  });

  test("is not asked for a connection that nobody wants any more", async () => {
    const provider = vi.fn(() => "never used");
    const client = await newClient(server, { auth: { userId: newUser(), tokenProvider: provider } });
    void client.connect();
    client.disconnect();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(provider).not.toHaveBeenCalled();
  });
});

describe("without a tokenProvider", () => {
  test("a refused token is the end, until another is given", async () => {
    const userId = newUser();
    const client = await newClient(server, { auth: { userId, token: "refused" } });
    await expect(client.connect()).rejects.toMatchObject({ code: "unauthenticated" });
    client.refreshToken(await server.token({ userId }));
    await client.connect();
    expect(client.state).toBe("joined");
  });

  test("the application is told that it expires, and renews it", async () => {
    const userId = newUser();
    const client = await newClient(server, { auth: { userId, token: await server.token({ userId, ttlSeconds: 5 }) } });
    const renewed = new Promise<void>((resolve) => {
      client.once("auth:expiring", async ({ inMs }) => {
        expect(inMs).toBeLessThanOrEqual(4000);
        client.refreshToken(await server.token({ userId }));
        resolve();
      });
    });
    const { tokenExpiresAt } = await client.connect();
    await renewed;
    await until(() => Date.now() > tokenExpiresAt + 200);
    expect(client.state).toBe("joined");
  });
});

test("somebody else's token is refused for good", async () => {
  const client = await newClient(server, { auth: { userId: "ada", token: await server.token({ userId: "bo" }) } });
  await expect(client.connect()).rejects.toMatchObject({ code: "forbidden", closeCode: 4403 });
});

test("a token that comes to belong to another user ends the client: its messages are the first one's", async () => {
  const [ada, bo] = [newUser(), newUser()];
  const tokens = [await server.token({ userId: ada, sessionId: ada }), await server.token({ userId: bo })];
  const client = await newClient(server, {
    auth: { token: tokens[0] as string, userId: undefined, sessionId: undefined } as never,
  });
  await client.connect();
  client.disconnect();
  client.refreshToken(tokens[1] as string);
  await expect(client.connect()).rejects.toMatchObject({ code: "forbidden" });
});
