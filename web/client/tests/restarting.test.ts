/** A server that is killed, or asked to restart, under its clients. */

import type { BonsaiError, Status } from "@bonsai/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newClient, newUser, until } from "../../testing/clients.ts";
import { BonsaiServer } from "../../testing/server.ts";
import { PLUGINS_DIR } from "../../testing/setup.ts";

let server: BonsaiServer;

beforeAll(async () => {
  server = await BonsaiServer.start({ plugins: "probe", pluginsDir: PLUGINS_DIR });
});

afterAll(() => server.stop());

test("a server killed in the middle of answers has counted each of them once when it is back", async () => {
  const client = await newClient(server, { auth: { userId: newUser() } });
  const counts: number[] = [];
  client.on("probe:counted", (data) => counts.push((data as { count: number }).count));
  await client.connect();
  const answers: Promise<unknown>[] = [];
  for (let answer = 0; answer < 60; answer++) {
    answers.push(client.request("probe:count", { key: "k" }, { timeout: 0 }));
    if (answer === 20) await answers[10];
    if (answer === 40) await server.kill();
  }
  await until(() => client.state === "waiting");
  expect(client.status.pending).toBeGreaterThan(0);
  await server.restart();
  const told = (await Promise.all(answers)) as { count: number }[];
  expect(told.map((answer) => answer.count)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  await until(() => counts.length === 60);
  expect(counts).toEqual(told.map((answer) => answer.count));
});

test("a server that restarts says when to come back, and that is kept", async () => {
  const client = await newClient(server);
  await client.connect();
  const lost = new Promise<[BonsaiError, Status, number]>((resolve) => {
    client.once("error", (error) => resolve([error, client.status, Date.now()]));
  });
  await server.terminate();
  const [error, { state, retryAt }, now] = await lost;
  expect(error).toMatchObject({ code: "lost", closeCode: 1012 });
  const delay = Number(/reconnect in (\d+) ms/.exec(error.message)?.[1]);
  expect(state).toBe("waiting");
  expect(retryAt).toBeGreaterThanOrEqual(now + delay - 20); // when it was set, a moment before
  await server.restart();
  await client.connect();
  expect(await client.request("probe:count", { key: "k" })).toEqual({ key: "k", count: 1 });
});
