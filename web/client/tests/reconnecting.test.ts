/** Lost connections: nothing is lost, nothing doubled, in order. */

import type { Status } from "@bonsai/client";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { CountingSocket, newClient, newUser, sentFrames, sharedServer, until } from "../../testing/clients.ts";
import { Network } from "../../testing/network.ts";
import { Link } from "../src/link.ts";

const server = sharedServer();

beforeEach(() => {
  CountingSocket.sent = [];
});

async function newNetwork(): Promise<Network> {
  const network = await Network.to(server.port);
  onTestFinished(() => network.close());
  return network;
}

/** The counts that a device is told, in the order of arrival. */
function countsOf(client: Awaited<ReturnType<typeof newClient>>): number[] {
  const counts: number[] = [];
  client.on("probe:counted", (data) => counts.push((data as { count: number }).count));
  return counts;
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

test("a message whose ack was lost is sent again under its id, and counts once", async () => {
  const network = await newNetwork();
  const userId = newUser();
  const client = await newClient(server, { url: network.url, auth: { userId } });
  const witness = await newClient(server, { auth: { userId } });
  const seen = countsOf(witness);
  await Promise.all([client.connect(), witness.connect()]);
  network.mute("down");
  const answer = client.request("probe:count", { key: "k" });
  await until(() => seen.length === 1); // the server has done it, and nobody was told
  network.cut();
  network.unmute();
  expect(await answer).toEqual({ key: "k", count: 1 });
  expect(sentFrames("probe:count").map((frame) => frame.id)).toEqual([1, 1]);
  expect(await client.request("probe:count", { key: "k" })).toEqual({ key: "k", count: 2 });
  expect(seen).toEqual([1, 2]);
});

test("what was missed while away comes once, in order, without a snapshot", async () => {
  const network = await newNetwork();
  const userId = newUser();
  const client = await newClient(server, { url: network.url, auth: { userId } });
  const other = await newClient(server, { auth: { userId } });
  const counts = countsOf(client);
  await Promise.all([client.connect(), other.connect()]);
  await other.request("probe:count", { key: "k" });
  await until(() => counts.length === 1);
  await network.refuse();
  await Promise.all(Array.from({ length: 30 }, () => other.request("probe:count", { key: "k" })));
  let snapshots = 0;
  client.on("session:state", () => snapshots++);
  await network.admit();
  await until(() => counts.length === 31);
  expect(counts).toEqual(upTo(31));
  expect(snapshots).toBe(0);
  expect(Object.values(client.joined?.rooms ?? {}).map((room) => room.recovered)).toEqual([true, true]);
});

test("two devices that answer while their networks are cut again and again count every answer once", async () => {
  const userId = newUser();
  const networks = [await newNetwork(), await newNetwork()];
  const clients = await Promise.all(networks.map(({ url }) => newClient(server, { url, auth: { userId } })));
  const counts = clients.map(countsOf);
  await Promise.all(clients.map((client) => client.connect()));
  const answers: Promise<unknown>[] = [];
  for (let round = 0; round < 25; round++) {
    for (const client of clients) answers.push(client.request("probe:count", { key: "k" }));
    if (round % 5 === 4) {
      const lost = new Promise((resolve) => clients[round % 2]?.once("error", resolve));
      networks[round % 2]?.cut();
      await lost;
    }
    await Promise.race(answers.slice(-2));
  }
  const told = (await Promise.all(answers)) as { count: number }[];
  expect(told.map((answer) => answer.count).sort((a, b) => a - b)).toEqual(upTo(50));
  await until(() => counts.every((list) => list.length === 50));
  for (const list of counts) expect(list).toEqual(upTo(50));
});

test("a connection that went silent is noticed by the heartbeat, and made again", async () => {
  const network = await newNetwork();
  const client = await newClient(server, { url: network.url, heartbeat: { interval: 50, timeout: 50 } });
  await client.connect();
  const lost = new Promise((resolve) => client.once("error", resolve));
  network.mute("down");
  const answer = client.request("probe:count", { key: "k" });
  expect(await lost).toMatchObject({ code: "lost", message: expect.stringContaining("ping") });
  network.unmute();
  expect(await answer).toEqual({ key: "k", count: 1 });
});

test("unless told otherwise, a ping is due after 20 s of silence, before a worker of an extension is stopped", async () => {
  const watch = vi.spyOn(Link.prototype, "watch");
  const client = await newClient(server);
  const { heartbeat } = await client.connect();
  expect(heartbeat.intervalMs).toBeGreaterThan(20_000);
  const patient = await newClient(server, { heartbeat: { interval: 45_000, timeout: 9000 } });
  await patient.connect();
  expect(watch.mock.calls).toEqual([
    [20_000, heartbeat.timeoutMs],
    [45_000, 9000],
  ]);
});

test("a connection on which nothing is said is kept alive by pings, and not given up", async () => {
  const client = await newClient(server, { heartbeat: { interval: 20, timeout: 5000 } });
  const states: string[] = [];
  await client.connect();
  client.on("status", ({ state }) => states.push(state));
  await until(() => sentFrames("ping").length >= 5);
  expect(states).toEqual([]);
});

test("answers given offline are sent later, in order, and the state tells", async () => {
  const network = await newNetwork();
  const client = await newClient(server, { url: network.url });
  const counts = countsOf(client);
  await client.connect();
  await network.refuse();
  const told: Status[] = [];
  client.on("status", (status) => told.push(status));
  for (let answer = 0; answer < 10; answer++) client.emit("probe:count", { key: "k" });
  await until(() => client.state === "waiting" && client.status.pending === 10);
  expect(client.status.retryAt).toBeGreaterThan(Date.now() - 1000);
  await network.admit();
  await until(() => counts.length === 10 && client.status.pending === 0);
  expect(counts).toEqual(upTo(10));
  expect(told.some((status) => status.state === "waiting" && status.error?.code === "lost")).toBe(true);
});

test("disconnect goes offline without forgetting; connect resumes", async () => {
  const userId = newUser();
  const client = await newClient(server, { auth: { userId } });
  const other = await newClient(server, { auth: { userId } });
  const counts = countsOf(client);
  await Promise.all([client.connect(), other.connect()]);
  client.disconnect();
  expect(client.state).toBe("idle");
  client.emit("probe:count", { key: "k" });
  await other.request("probe:count", { key: "k" });
  await client.connect();
  await until(() => counts.length === 2);
  expect(counts).toEqual([1, 2]);
});

test("attempts have an end, if one is set, and connect begins anew", async () => {
  const network = await newNetwork();
  await network.refuse();
  const client = await newClient(server, { url: network.url, reconnect: { attempts: 2, delay: 1, maxDelay: 1 } });
  const waiting = client.request("probe:count", { key: "k" });
  await expect(client.connect()).rejects.toMatchObject({ code: "unreachable" });
  await expect(waiting).rejects.toMatchObject({ code: "unreachable" });
  expect(client.status).toMatchObject({ state: "closed", pending: 1 });
  await network.admit();
  await client.connect();
  await until(() => client.status.pending === 0); // it was not thrown away
});

test("attempts count from the latest join", async () => {
  const network = await newNetwork();
  const client = await newClient(server, { url: network.url, reconnect: { attempts: 1, delay: 1, maxDelay: 1 } });
  await client.connect();
  for (let time = 0; time < 3; time++) {
    const back = new Promise((resolve) => client.once("user:joined", resolve));
    network.cut();
    await back;
  }
  expect(network.connections).toBe(4);
});

test("connect while a disconnect is under way, many times over, ends joined once", async () => {
  const client = await newClient(server);
  let joins = 0;
  client.on("user:joined", () => joins++);
  for (let time = 0; time < 20; time++) {
    void client.connect();
    client.disconnect();
  }
  await client.connect();
  expect(await client.request("probe:count", { key: "k" })).toEqual({ key: "k", count: 1 });
  expect(joins).toBe(1);
});
