/** A server with limits, and clients that keep to them or not. */

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { CountingSocket, newClient, sentFrames } from "../../testing/clients.ts";
import { BonsaiServer } from "../../testing/server.ts";
import { PLUGINS_DIR } from "../../testing/setup.ts";

let server: BonsaiServer;

beforeAll(async () => {
  const env = { BONSAI_RATE_MAX_REQUESTS: "5", BONSAI_RATE_WINDOW_MS: "2000" };
  server = await BonsaiServer.start({ plugins: "probe", pluginsDir: PLUGINS_DIR, env });
});

afterAll(() => server.stop());

beforeEach(() => {
  CountingSocket.sent = [];
});

const counts = (last: number) => Array.from({ length: last }, (_, index) => ({ key: "k", count: index + 1 }));

test("the limit that the server announces is kept: what is more waits its turn", async () => {
  const client = await newClient(server);
  const answers = Array.from({ length: 10 }, () => client.request("probe:count", { key: "k" }));
  await client.connect();
  expect(await Promise.all(answers)).toEqual(counts(10));
  const [, first] = CountingSocket.sent.map((message) => JSON.parse(String(message)));
  expect(first).toHaveLength(5);
});

test("a limit of the client's own is kept instead", async () => {
  const client = await newClient(server, { rateLimit: { maxRequests: 2, windowMs: 300 } });
  const answers = Array.from({ length: 5 }, () => client.request("probe:count", { key: "k" }));
  await client.connect();
  expect(await Promise.all(answers)).toEqual(counts(5));
  const [, first, ...later] = CountingSocket.sent.map((message) => [JSON.parse(String(message))].flat().length);
  expect(first).toBe(2);
  expect(Math.max(...later)).toBeLessThanOrEqual(2);
});

test("a client that sends faster is refused for now, and all of it counts once in the end", async () => {
  const client = await newClient(server, { rateLimit: { maxRequests: 0, windowMs: 1000 } });
  await client.connect();
  const answers = Array.from({ length: 10 }, () => client.request("probe:count", { key: "k" }));
  const told = (await Promise.all(answers)) as { count: number }[];
  expect(told.map(({ count }) => count).sort((a, b) => a - b)).toEqual(counts(10).map(({ count }) => count));
  expect(sentFrames("probe:count").length).toBeGreaterThan(10);
});
