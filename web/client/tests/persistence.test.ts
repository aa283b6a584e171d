/** The queue in IndexedDB: a page that was killed resends under the same ids, and no id is given twice. */

import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { CountingSocket, newClient, newUser, sentFrames, sharedServer, until } from "../../testing/clients.ts";
import { Network } from "../../testing/network.ts";

const server = sharedServer();

/** Web Locks as far as they are used here: Node.js has them from 24 on. */
class Locks {
  readonly held = new Set<string>();

  async request(name: string, _: LockOptions, callback: (lock: object | null) => unknown): Promise<unknown> {
    if (this.held.has(name)) return callback(null);
    this.held.add(name);
    try {
      return await callback({ name });
    } finally {
      this.held.delete(name);
    }
  }
}

let locks: Locks;

beforeEach(() => {
  CountingSocket.sent = [];
  locks = new Locks();
  globalThis.indexedDB = new IDBFactory();
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
});

type Client = Awaited<ReturnType<typeof newClient>>;

/** The browser ends a page: its socket is gone, its locks are free, and it says no more. */
function kill(page: Client): void {
  page.disconnect();
  locks.held.clear();
}

const persist = { persist: true };

async function ids(client: Client): Promise<{ clientId: string; id: number }> {
  return (await client.request("probe:ids")) as { clientId: string; id: number };
}

test("a page that was killed offline: the next one sends what it said, once, as the same client", async () => {
  const network = await Network.to(server.port);
  onTestFinished(() => network.close());
  const auth = { userId: newUser() };
  const page = await newClient(server, { url: network.url, auth, queue: persist });
  await page.connect();
  const before = await ids(page);
  await network.refuse();
  for (const key of ["a", "b", "c"]) page.emit("probe:count", { key });
  await until(() => page.status.pending === 3);
  await settled();
  kill(page);
  await network.admit();

  const next = await newClient(server, { url: network.url, auth, queue: persist });
  const counted: unknown[] = [];
  next.on("probe:counted", (data) => counted.push(data));
  await next.connect();
  await until(() => counted.length === 3 && next.status.pending === 0);
  expect(counted).toEqual(["a", "b", "c"].map((key) => ({ key, count: 1 })));
  const after = await ids(next);
  expect(after.clientId).toBe(before.clientId);
  expect(after.id).toBeGreaterThan(before.id + 3);
  expect(next.joined?.sessionId).toBe(page.joined?.sessionId);
});

test("what took effect while its ack was lost with the page counts once", async () => {
  const network = await Network.to(server.port);
  onTestFinished(() => network.close());
  const auth = { userId: newUser() };
  const page = await newClient(server, { url: network.url, auth, queue: persist });
  const witness = await newClient(server, { auth });
  await Promise.all([page.connect(), witness.connect()]);
  network.mute("down");
  const seen = new Promise((resolve) => witness.once("probe:counted", resolve));
  page.emit("probe:count", { key: "k" });
  await seen;
  await settled();
  kill(page);
  network.unmute();

  const next = await newClient(server, { url: network.url, auth, queue: persist });
  await next.connect();
  await until(() => next.status.pending === 0);
  expect(sentFrames("probe:count").map((frame) => frame.id)).toEqual([1, 1]);
  expect(await next.request("probe:count", { key: "k" })).toEqual({ key: "k", count: 2 });
});

test("what was emitted before the database was open is kept, too, and attachments are", async () => {
  const auth = { userId: newUser() };
  const page = await newClient(server, { url: "ws://127.0.0.1:9/ws", auth, queue: persist });
  page.emit("probe:upload", { about: { n: 1 } }, { attachment: new Uint8Array([1, 2, 3]) });
  void page.connect();
  await until(() => page.state === "waiting");
  await settled();
  kill(page);
  const next = await newClient(server, { auth, queue: persist });
  let refused = 0;
  next.on("error", () => refused++);
  await next.connect();
  await until(() => next.status.pending === 0);
  expect(refused).toBe(0);
  expect(CountingSocket.sent.filter((message) => message instanceof Uint8Array)).toHaveLength(1);
});

test("a program that keeps what it was told, and up to where, gets the rest in its next run, once", async () => {
  const auth = { userId: newUser() };
  const other = await newClient(server, { auth });
  const first = await newClient(server, { auth, queue: persist });
  const told: unknown[] = [];
  const note = (data: unknown): unknown => told.push((data as { count: number }).count);
  first.on("probe:counted", note);
  await Promise.all([other.connect(), first.connect()]);
  await other.request("probe:count", { key: "k" });
  await until(() => told.length === 1);
  const kept = JSON.parse(JSON.stringify(first.positions));
  kill(first);
  await other.request("probe:count", { key: "k" });
  await other.request("probe:count", { key: "k" });

  const next = await newClient(server, { auth, queue: persist, resume: kept });
  let snapshots = 0;
  next.on("probe:counted", note);
  next.on("session:state", () => snapshots++);
  const { rooms } = await next.connect();
  expect(Object.values(rooms).map((room) => room.recovered)).toEqual([true, true]);
  await other.request("probe:count", { key: "k" });
  await until(() => told.length === 4);
  expect(told).toEqual([1, 2, 3, 4]);
  expect(snapshots).toBe(0);
});

test("two tabs have a queue each; a closed tab's messages are sent by the next page", async () => {
  const auth = { userId: newUser() };
  const [one, two] = [
    await newClient(server, { auth, queue: persist }),
    await newClient(server, { auth, queue: persist }),
  ];
  await one.connect();
  await two.connect();
  expect((await ids(one)).clientId).not.toBe((await ids(two)).clientId);
  const second = (await ids(two)).clientId;
  two.disconnect();
  two.emit("probe:count", { key: "k" });
  await settled();
  locks.held.delete([...locks.held].find((name) => name.endsWith("/1")) ?? "");

  const next = await newClient(server, { auth, queue: persist });
  await next.connect();
  expect((await ids(next)).clientId).toBe(second);
  expect(await next.request("probe:count", { key: "k" })).toEqual({ key: "k", count: 2 });
});

test("many messages: ids are never given twice, however often the page is killed", async () => {
  const auth = { userId: newUser() };
  const given: number[] = [];
  for (let page = 0; page < 3; page++) {
    const client = await newClient(server, { auth, queue: persist });
    await client.connect();
    const answers = await Promise.all(Array.from({ length: 250 }, () => ids(client)));
    given.push(...answers.map((answer) => answer.id));
    kill(client);
  }
  expect(new Set(given).size).toBe(750);
  expect(given).toEqual([...given].sort((a, b) => a - b));
});

test("closing in order wastes no ids", async () => {
  const auth = { userId: newUser() };
  for (const expected of [1, 2, 3]) {
    const client = await newClient(server, { auth, queue: persist });
    await client.connect();
    expect((await ids(client)).id).toBe(expected);
    client.close();
    await settled();
  }
});

test("a client that is closed while its queue is being opened lets go of it, and what it was told is kept", async () => {
  const auth = { userId: newUser() };
  const page = await newClient(server, { auth, queue: persist });
  page.emit("probe:count", { key: "k" });
  void page.connect();
  page.close();
  await until(() => locks.held.size === 0);
  await settled();
  const next = await newClient(server, { auth, queue: persist });
  await next.connect();
  expect(await next.request("probe:count", { key: "k" })).toEqual({ key: "k", count: 2 });
});

describe("where nothing can be kept", () => {
  test.each([
    ["no IndexedDB", () => Reflect.deleteProperty(globalThis, "indexedDB")],
    ["no Web Locks", () => Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true })],
    [
      "a database that does not open",
      () => {
        globalThis.indexedDB.open = () => {
          throw new DOMException("private browsing", "InvalidStateError");
        };
      },
    ],
  ])("%s: the queue is in memory", async (_, spoil) => {
    spoil();
    const client = await newClient(server, { queue: persist });
    await client.connect();
    expect(await ids(client)).toMatchObject({ id: 1 });
  });
});

test("whose messages are kept must be said", async () => {
  const { createWebSocketClient } = await import("@bonsai/client");
  expect(() => createWebSocketClient({ url: server.url, queue: persist })).toThrowError(/auth\.userId/);
});

/** What was begun with IndexedDB is done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
